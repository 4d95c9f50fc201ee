"""Where do resources live?"""
