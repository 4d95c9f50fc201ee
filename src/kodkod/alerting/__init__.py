"""What do the logs say when asked periodically?"""
