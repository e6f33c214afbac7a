"""What mails of this app are owed, and with which words and facts; the sender renders and sends them."""
