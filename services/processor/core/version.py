"""The version of what is derived from evidence."""

VERSION = 1
"""Raised by every change that can alter a column of a SiteRun or a section."""
