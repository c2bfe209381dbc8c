package io.ballast.kit.grpc;

import org.jspecify.annotations.Nullable;

/**
 * The memory that a message of a stream takes, for whoever keeps the message beyond its delivery.
 * What is not given back by the end of the call, and of the work for it, is given back then.
 */
public final class MessageRoom {
  private final @Nullable HeldRequest request;
  private final long bytes;

  private MessageRoom(@Nullable HeldRequest request, long bytes) {
    this.request = request;
    this.bytes = bytes;
  }

  /** That of the message that is being delivered, to be called there; nothing outside a server. */
  public static MessageRoom keep() {
    HeldRequest request = HeldRequest.current();
    return new MessageRoom(request, request == null ? 0 : request.keep());
  }

  /** What the message takes. */
  public long bytes() {
    return bytes;
  }

  /** Gives it back: the message is answered. To be called once. */
  public void giveBack() {
    if (request != null) {
      request.give(bytes);
    }
  }
}
