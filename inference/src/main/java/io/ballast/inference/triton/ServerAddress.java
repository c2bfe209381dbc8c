package io.ballast.inference.triton;

/** Where one server is. */
record ServerAddress(String host, int port) {
  /**
   * Returns the address of {@code host:port}.
   *
   * @throws IllegalArgumentException if it is none, naming it
   */
  static ServerAddress parse(String address) {
    int colon = address.lastIndexOf(':');
    try {
      int port = Integer.parseInt(address.substring(colon + 1));
      if (colon > 0 && port > 0 && port <= 65_535) {
        return new ServerAddress(address.substring(0, colon), port);
      }
    } catch (NumberFormatException e) {
      // named below, with everything else that is no address
    }
    throw new IllegalArgumentException("server: '" + address + "' (expected: host:port)");
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
