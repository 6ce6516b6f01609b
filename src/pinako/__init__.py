"""Pinako: a self-hosted library for AI-generated media, wire-compatible with Civitai."""
