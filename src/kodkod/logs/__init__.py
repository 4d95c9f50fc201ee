"""What happened on the network?"""
