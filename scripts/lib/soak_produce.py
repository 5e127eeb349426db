"""soak_produce.py BROKERS TOPIC PARTITIONS RATE RECORD: sends numbered messages until stdin ends, then writes down what it sent.

Message i: key i % 7, amount i * 7919 % 1000, event time i / RATE seconds after the start of 2025, partition i % PARTITIONS. In the end one
message per partition, id -1, a day later, moves the watermark past all others. RECORD: {"count", "sums": {"<window's start>/<key>": [n, total]}}.
"""

import json
import select
import sys
import time

from confluent_kafka import Producer

KEYS, WINDOW_S, CHUNK = 7, 10, 500


def stamp(second):
    return f"2025-01-{1 + second // 86400:02d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


class Sender:
    def __init__(self, brokers, topic, partitions):
        # What a dead broker does not take waits for it: no message is given up.
        self.producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 20, "compression.type": "lz4",
                                  "message.timeout.ms": 0, "queue.buffering.max.messages": 2000000})
        self.topic, self.partitions, self.failed, self.delivered = topic, partitions, 0, 0

    def on_delivery(self, error, message):
        self.failed += error is not None
        self.delivered += error is None

    def send(self, value, partition):
        while True:
            try:
                return self.producer.produce(self.topic, value, partition=partition, on_delivery=self.on_delivery)
            except BufferError:
                self.producer.poll(0.1)


def main(brokers, topic, partitions, rate, record):
    sender, rate, partitions = Sender(brokers, topic, partitions), int(rate), int(partitions)
    sums, i, began = {}, 0, time.monotonic()
    while not select.select([sys.stdin], [], [], max(0, began + i / rate - time.monotonic()))[0]:
        for i in range(i, i + CHUNK):
            second, key, amount = i // rate, i % KEYS, i * 7919 % 1000
            sender.send(f'{{"id":{i},"k":{key},"n":{amount},"t":"{stamp(second)}"}}', i % partitions)
            group = sums.setdefault(f"{stamp(second // WINDOW_S * WINDOW_S)}/{key}", [0, 0])
            group[0] += 1
            group[1] += amount
        i += 1
        sender.producer.poll(0)
    for partition in range(partitions):
        sender.send(json.dumps({"id": -1, "k": 0, "n": 0, "t": stamp(i // rate + 86400)}), partition)
    left = sender.producer.flush(600)
    with open(record, "w") as file:
        json.dump({"count": i, "sums": sums}, file)
    print(f"{i} messages sent in {time.monotonic() - began:.0f} s", flush=True)
    return 1 if left or sender.failed or sender.delivered != i + partitions else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
