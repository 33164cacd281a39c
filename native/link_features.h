// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
#pragma once

#include <string>

// Turns off every offload of an interface that can be turned off. 0 or a negative errno.
int turn_features_off(const std::string &name);
