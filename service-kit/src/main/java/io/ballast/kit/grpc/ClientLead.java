package io.ballast.kit.grpc;

/**
 * How far the client of a stream is ahead of its answers, in messages and in bytes. Messages are
 * asked for one by one, so that at most one comes beyond the bytes. Thread-safe.
 */
public final class ClientLead {
  private final int mostMessages;
  private final long mostBytes;
  private int messages;
  private long bytes;
  private boolean asked = true; // the first one is, to begin with

  /**
   * @param mostMessages ahead, ≥ 1
   * @param mostBytes after which no message is asked for until some are answered, ≥ 1
   */
  public ClientLead(int mostMessages, long mostBytes) {
    this.mostMessages = mostMessages;
    this.mostBytes = mostBytes;
  }

  /** Notes a message that came. Whether to ask for the next. */
  public synchronized boolean came(long size) {
    messages++;
    bytes += size;
    asked = hasRoom();
    return asked;
  }

  /** Notes messages that were answered. Whether to ask for the next. */
  public synchronized boolean answered(int count, long size) {
    messages -= count;
    bytes -= size;
    if (asked || !hasRoom()) {
      return false;
    }
    asked = true;
    return true;
  }

  private boolean hasRoom() {
    return messages < mostMessages && bytes < mostBytes;
  }
}
