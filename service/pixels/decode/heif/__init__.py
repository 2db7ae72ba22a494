"""HEIC, what iPhones send, and HEIF with HEVC inside: decoded by pi-heif, in a process of its own."""

from service.pixels.decode.heif.opening import is_heif, open_heif

__all__ = ["is_heif", "open_heif"]
