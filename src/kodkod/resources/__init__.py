"""What can users ask for?"""
