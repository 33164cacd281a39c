"""sflow-decode.py: sFlow version 5 datagrams, one in hexadecimal per line of stdin, as JSON.

Written from the specifications (sflow_version_5.txt, sflow_host.txt, sflow_host_ip.txt,
sflow_tunnels.txt and the structure numbers of sflow.org). It is strict: bytes that are left over, padding that is not zero
and tags that it does not know are errors.
"""

import ipaddress
import json
import struct
import sys
import uuid


class Xdr:
    def __init__(self, data):
        self.data = data
        self.pos = 0

    def take(self, count):
        if self.pos + count > len(self.data):
            raise ValueError(f"{count} bytes wanted at {self.pos} of {len(self.data)}")
        piece = self.data[self.pos : self.pos + count]
        self.pos += count
        return piece

    def unpack(self, layout):
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))

    def uint(self):
        return self.unpack("I")[0]

    def hyper(self):
        return self.unpack("Q")[0]

    def opaque(self, length=None):
        size = self.uint() if length is None else length
        piece = self.take(size)
        if any(self.take(-size % 4)):
            raise ValueError("padding is not zero")
        return piece

    def string(self):
        return self.opaque().decode("utf-8")

    def address(self):
        kind = self.uint()
        if kind == 0:
            return None
        return str(ipaddress.ip_address(self.take({1: 4, 2: 16}[kind])))

    def finished(self):
        if self.pos != len(self.data):
            raise ValueError(f"{len(self.data) - self.pos} bytes are left over")


def fields(layout, names):
    """A structure of numbers: I is unsigned int, Q unsigned hyper, f float."""
    names = names.split()
    if len(layout) != len(names):
        raise AssertionError(f"{layout}: {len(layout)} fields, {len(names)} names")
    return lambda xdr: dict(zip(names, xdr.unpack(layout)))


def sampled_header(xdr):
    out = fields("III", "header_protocol frame_length stripped")(xdr)
    out["header"] = xdr.opaque().hex()
    return out


def extended_router(xdr):
    return {"nexthop": xdr.address(), "src_mask_len": xdr.uint(), "dst_mask_len": xdr.uint()}


def host_descr(xdr):
    return {
        "hostname": xdr.string(),
        "uuid": str(uuid.UUID(bytes=xdr.opaque(16))),
        "machine_type": xdr.uint(),
        "os_name": xdr.uint(),
        "os_release": xdr.string(),
    }


def host_adapters(xdr):
    adapters = []
    for _ in range(xdr.uint()):
        index, count = xdr.uint(), xdr.uint()
        macs = [xdr.opaque(6).hex(":") for _ in range(count)]
        adapters.append({"ifIndex": index, "mac_address": macs})
    return {"adapters": adapters}


FLOW = {
    1: ("sampled_header", sampled_header),
    1001: ("extended_switch", fields("IIII", "src_vlan src_priority dst_vlan dst_priority")),
    1002: ("extended_router", extended_router),
    1023: (
        "extended_ipv4_tunnel_egress",
        lambda xdr: {
            **fields("II", "length protocol")(xdr),
            "src_ip": str(ipaddress.IPv4Address(xdr.opaque(4))),
            "dst_ip": str(ipaddress.IPv4Address(xdr.opaque(4))),
            **fields("IIII", "src_port dst_port tcp_flags tos")(xdr),
        },
    ),
    1027: ("extended_decapsulate_egress", fields("I", "inner_header_offset")),
    1028: ("extended_decapsulate_ingress", fields("I", "inner_header_offset")),
    1029: ("extended_vni_egress", fields("I", "vni")),
    1030: ("extended_vni_ingress", fields("I", "vni")),
    1043: ("timestamp", fields("Q", "nanoseconds")),
}

COUNTERS = {
    1: (
        "if_counters",
        fields(
            "IIQIIQIIIIIIQIIIIII",
            "ifIndex ifType ifSpeed ifDirection ifStatus ifInOctets ifInUcastPkts"
            " ifInMulticastPkts ifInBroadcastPkts ifInDiscards ifInErrors ifInUnknownProtos"
            " ifOutOctets ifOutUcastPkts ifOutMulticastPkts ifOutBroadcastPkts ifOutDiscards"
            " ifOutErrors ifPromiscuousMode",
        ),
    ),
    2: (
        "ethernet_counters",
        fields(
            "I" * 13,
            "AlignmentErrors FCSErrors SingleCollisionFrames MultipleCollisionFrames"
            " SQETestErrors DeferredTransmissions LateCollisions ExcessiveCollisions"
            " InternalMacTransmitErrors CarrierSenseErrors FrameTooLongs"
            " InternalMacReceiveErrors SymbolErrors",
        ),
    ),
    5: (
        "vlan_counters",
        fields("IQIIII", "vlan_id octets ucastPkts multicastPkts broadcastPkts discards"),
    ),
    1005: ("port_name", lambda xdr: {"name": xdr.string()}),
    2000: ("host_descr", host_descr),
    2001: ("host_adapters", host_adapters),
    2002: ("host_parent", fields("II", "container_type container_index")),
    2003: (
        "host_cpu",
        fields(
            "fff" + "I" * 17,
            "load_one load_five load_fifteen proc_run proc_total cpu_num cpu_speed uptime"
            " cpu_user cpu_nice cpu_system cpu_idle cpu_wio cpu_intr cpu_sintr interrupts"
            " contexts cpu_steal cpu_guest cpu_guest_nice",
        ),
    ),
    2004: (
        "host_memory",
        fields(
            "QQQQQQQIIII",
            "mem_total mem_free mem_shared mem_buffers mem_cached swap_total swap_free"
            " page_in page_out swap_in swap_out",
        ),
    ),
    2005: (
        "host_disk_io",
        fields(
            "QQIIQIIQI",
            "disk_total disk_free part_max_used reads bytes_read read_time writes"
            " bytes_written write_time",
        ),
    ),
    2006: (
        "host_net_io",
        fields(
            "QIIIQIII",
            "bytes_in pkts_in errs_in drops_in bytes_out packets_out errs_out drops_out",
        ),
    ),
    2007: (
        "mib2_ip_group",
        fields(
            "I" * 19,
            "ipForwarding ipDefaultTTL ipInReceives ipInHdrErrors ipInAddrErrors"
            " ipForwDatagrams ipInUnknownProtos ipInDiscards ipInDelivers ipOutRequests"
            " ipOutDiscards ipOutNoRoutes ipReasmTimeout ipReasmReqds ipReasmOKs"
            " ipReasmFails ipFragOKs ipFragFails ipFragCreates",
        ),
    ),
    2008: (
        "mib2_icmp_group",
        fields(
            "I" * 25,
            "icmpInMsgs icmpInErrors icmpInDestUnreachs icmpInTimeExcds icmpInParamProbs"
            " icmpInSrcQuenchs icmpInRedirects icmpInEchos icmpInEchoReps icmpInTimestamps"
            " icmpInAddrMasks icmpInAddrMaskReps icmpOutMsgs icmpOutErrors"
            " icmpOutDestUnreachs icmpOutTimeExcds icmpOutParamProbs icmpOutSrcQuenchs"
            " icmpOutRedirects icmpOutEchos icmpOutEchoReps icmpOutTimestamps"
            " icmpOutTimestampReps icmpOutAddrMasks icmpOutAddrMaskReps",
        ),
    ),
    2009: (
        "mib2_tcp_group",
        fields(
            "I" * 15,
            "tcpRtoAlgorithm tcpRtoMin tcpRtoMax tcpMaxConn tcpActiveOpens tcpPassiveOpens"
            " tcpAttemptFails tcpEstabResets tcpCurrEstab tcpInSegs tcpOutSegs"
            " tcpRetransSegs tcpInErrs tcpOutRsts tcpInCsumErrors",
        ),
    ),
    2010: (
        "mib2_udp_group",
        fields(
            "I" * 7,
            "udpInDatagrams udpNoPorts udpInErrors udpOutDatagrams udpRcvbufErrors"
            " udpSndbufErrors udpInCsumErrors",
        ),
    ),
    2100: ("virt_node", fields("IIQQI", "mhz cpus memory memory_free num_domains")),
    2101: ("virt_cpu", fields("III", "state cpuTime nrVirtCpu")),
    2102: ("virt_memory", fields("QQ", "memory maxMemory")),
    2103: (
        "virt_disk_io",
        fields(
            "QQQIQIQI",
            "capacity allocation available rd_req rd_bytes wr_req wr_bytes errs",
        ),
    ),
    2104: (
        "virt_net_io",
        fields(
            "QIIIQIII",
            "rx_bytes rx_packets rx_errs rx_drop tx_bytes tx_packets tx_errs tx_drop",
        ),
    ),
}


def body(xdr):
    """data_format and the opaque body that it describes."""
    enterprise, number = divmod(xdr.uint(), 4096)
    if enterprise:
        raise ValueError(f"structure {enterprise}:{number} is not a standard one")
    return number, Xdr(xdr.opaque())


def records(xdr, known):
    out = {}
    for _ in range(xdr.uint()):
        number, inner = body(xdr)
        name, read = known[number]
        if name in out:
            raise ValueError(f"two {name} in one sample")
        out[name] = read(inner)
        inner.finished()
    return out


def data_source(xdr, expanded):
    if expanded:
        return {"class": xdr.uint(), "index": xdr.uint()}
    word = xdr.uint()
    return {"class": word >> 24, "index": word & 0xFFFFFF}


def interface(xdr, expanded):
    if expanded:
        return {"format": xdr.uint(), "value": xdr.uint()}
    word = xdr.uint()
    return {"format": word >> 30, "value": word & 0x3FFFFFFF}


def flow(xdr, expanded):
    return {
        "type": "flow",
        "expanded": expanded,
        "sequence": xdr.uint(),
        "source": data_source(xdr, expanded),
        "rate": xdr.uint(),
        "pool": xdr.uint(),
        "drops": xdr.uint(),
        "input": interface(xdr, expanded),
        "output": interface(xdr, expanded),
        "records": records(xdr, FLOW),
    }


def counters(xdr, expanded):
    return {
        "type": "counters",
        "expanded": expanded,
        "sequence": xdr.uint(),
        "source": data_source(xdr, expanded),
        "records": records(xdr, COUNTERS),
    }


def sample(xdr):
    number, inner = body(xdr)
    read = {1: flow, 2: counters, 3: flow, 4: counters}[number]
    out = read(inner, number > 2)
    inner.finished()
    return out


def datagram(data):
    xdr = Xdr(data)
    version = xdr.uint()
    if version != 5:
        raise ValueError(f"version {version}")
    out = {
        "length": len(data),
        "agent": xdr.address(),
        "sub_agent": xdr.uint(),
        "sequence": xdr.uint(),
        "uptime": xdr.uint(),
    }
    out["samples"] = [sample(xdr) for _ in range(xdr.uint())]
    xdr.finished()
    return out


json.dump([datagram(bytes.fromhex(line.strip())) for line in sys.stdin if line.strip()], sys.stdout)
