package io.ballast.loadtest.bench;

import io.ballast.kit.runtime.Role;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Ports of loopback for meshes that this process starts. */
public final class FreePorts {
  /** Below those that Linux gives to whoever asks for any. */
  private static final int LOWEST = 16_384;

  private static final int COUNT = 16_384;

  /** One for each server of a mesh. */
  private static final int IN_A_ROW = Role.values().length;

  /** Two processes at a time look in different places. */
  private static final AtomicInteger NEXT =
      new AtomicInteger(61 * (int) ProcessHandle.current().pid());

  private FreePorts() {}

  /**
   * The first of as many ports in a row as a mesh has servers, on which nothing listens now. It
   * gives none of them again soon, and the system none by itself: who is killed needs its own
   * again.
   */
  public static int inARow() {
    while (true) {
      int block = Math.floorMod(NEXT.getAndIncrement(), COUNT / IN_A_ROW);
      int first = LOWEST + block * IN_A_ROW;
      if (IntStream.range(first, first + IN_A_ROW).allMatch(FreePorts::isFree)) {
        return first;
      }
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }
}
