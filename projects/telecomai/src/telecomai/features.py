"""Elementwise features of a month of use."""

from portfolio.spec import Frame


def features(frame: Frame) -> Frame:
    return dict(frame)
