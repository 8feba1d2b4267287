"""Frames on a picture: strips, sleeves and holders cut into their frames, and the film base between them."""

from .finder import find_frames as find_frames
from .frame import Frame as Frame
