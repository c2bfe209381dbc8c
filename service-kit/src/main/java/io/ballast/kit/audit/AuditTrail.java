package io.ballast.kit.audit;

import java.util.List;

/** The acts of one server, in their order. */
public interface AuditTrail {
  /** What it is called: the server's schema, or the server. */
  String name();

  /** The first entries after a place, {@code limit} at most. */
  List<AuditEntry> after(long sequence, int limit);
}
