"""How are packets looked into as asked?"""
