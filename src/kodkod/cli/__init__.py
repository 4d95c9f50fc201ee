"""What do people type?"""
