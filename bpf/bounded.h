/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
#ifndef XSPAN_BOUNDED_H
#define XSPAN_BOUNDED_H

/* The verifier must see a bound on the very register that the helper gets: keep the compiler from
 * proving it away or from testing a copy. */
#define hide(x) asm volatile("" : "+r"(x))

#endif
