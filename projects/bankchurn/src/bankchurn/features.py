"""Elementwise features of a customer."""

from portfolio.spec import Frame


def features(frame: Frame) -> Frame:
    return dict(frame)
