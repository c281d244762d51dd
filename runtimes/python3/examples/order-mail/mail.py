"""Sends the mail that follows an order."""

import os
import smtplib
from email.message import EmailMessage

TEXT = """\
Dear {name},

thank you for your order of {count} things for {total:.2f} €.

Your shop
"""


def main(event, context):
    # A result comes as a CloudEvent, with what is known of its run; by hand the order itself is sent.
    order = event['data']['output'] if 'data' in event else event
    message = EmailMessage()
    message['From'] = os.environ['MAIL_FROM']
    message['To'] = order['email']
    message['Subject'] = 'Your order'
    message.set_content(TEXT.format(count=len(order['lines']), **order))
    with smtplib.SMTP(os.environ['SMTP_HOST'], int(os.environ['SMTP_PORT']), timeout=20) as server:
        server.send_message(message)
    print('sent to', order['email'])
    return {'sent_to': order['email']}
