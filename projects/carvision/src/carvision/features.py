"""Elementwise features of a car."""

from portfolio.spec import Frame


def features(frame: Frame) -> Frame:
    return dict(frame)
