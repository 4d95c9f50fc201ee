"""Where can one practise safely?"""
