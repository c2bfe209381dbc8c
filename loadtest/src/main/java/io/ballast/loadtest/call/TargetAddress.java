package io.ballast.loadtest.call;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where the mesh listens.
 *
 * @param host a name or an address; an IPv6 address without its brackets
 * @param port 1 to 65,535
 */
public record TargetAddress(String host, int port) {
  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9A-Fa-f:.%]+)]|([A-Za-z0-9._-]+)):(\\d{1,5})");

  public TargetAddress {
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port: " + port + " (allowed: 1 to 65,535)");
    }
  }

  /**
   * Reads {@code host:port} or {@code [address]:port}.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public static TargetAddress parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is no address (expected: host:port, such as 127.0.0.1:9100)");
    }
    String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
    return new TargetAddress(host, Integer.parseInt(matcher.group(3)));
  }

  /**
   * Whether calls stay on this machine.
   *
   * @throws IllegalArgumentException if nobody knows the host
   */
  public boolean isLoopback() {
    try {
      return Arrays.stream(InetAddress.getAllByName(host)).allMatch(InetAddress::isLoopbackAddress);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("no host '" + host + "' is known", e);
    }
  }

  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }
}
