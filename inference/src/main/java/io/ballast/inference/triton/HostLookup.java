package io.ballast.inference.triton;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Looks up all addresses of a host; may block. */
@FunctionalInterface
interface HostLookup {
  InetAddress[] addresses(String host) throws UnknownHostException;
}
