package io.ballast.kit.postgres;

import org.jdbi.v3.core.Jdbi;

/** One service's schema in PostgreSQL. */
public interface Database {
  /**
   * The entry to SQL; connections have the schema as their search path. When PostgreSQL is away its
   * calls throw a JDBI exception, which {@code StatusMapper} turns into DEPENDENCY_DOWN.
   */
  Jdbi jdbi();
}
