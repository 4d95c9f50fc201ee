"""What should a human look at?"""
