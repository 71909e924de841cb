"""Elementwise features of a month of use, measured against what the smaller plan includes."""

import numpy as np

from portfolio.spec import Frame

SURF_MINUTES, SURF_MESSAGES, SURF_MB = 500, 50, 15 * 1024
"""Allowances of Megaline's Surf plan (the "smart" side of the data), from the course material of the data set."""


def features(frame: Frame) -> Frame:
    minutes, messages, megabytes = frame["minutes"], frame["messages"], frame["mb_used"]
    return dict(frame) | {
        "least_used_allowance": np.minimum(minutes / SURF_MINUTES, megabytes / SURF_MB),
        "data_over_messages": megabytes / SURF_MB - messages / SURF_MESSAGES,
        "contacts": frame["calls"] + messages,
        "messages_per_call": messages / (frame["calls"] + 1),
    }
