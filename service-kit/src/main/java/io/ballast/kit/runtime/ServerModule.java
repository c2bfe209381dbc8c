package io.ballast.kit.runtime;

import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.kserve.ServedModels;
import io.grpc.BindableService;
import java.util.List;
import java.util.Map;

/**
 * One server of the mesh as a process sees it. The wiring of each server implements it; the process
 * starts those whose role it plays, in the order of {@link Role}, and closes them in reverse after
 * calls have drained.
 */
public interface ServerModule extends AutoCloseable {
  /** Which server this is. */
  Role role();

  /**
   * Builds the server's parts: loads models, migrates its schema, resumes its work. Called once,
   * before any call arrives.
   *
   * @return the services to serve
   * @throws io.ballast.kit.error.MeshException if it cannot serve, with what to do about it
   */
  List<BindableService> start(MeshRuntime runtime);

  /** The models that KServe clients may ask; called once, after {@link #start}. */
  default List<ServedModels> models() {
    return List.of();
  }

  /** What was done for good; called once, after {@link #start}. */
  default List<AuditTrail> audits() {
    return List.of();
  }

  /**
   * Called once all servers of the process accept calls: background work may call peers from now
   * on.
   */
  default void serving() {}

  /**
   * What keeps parts of this server from answering now, by what they are called, such as a model
   * that runs elsewhere; quick. The process says it where it tells whether it is ready.
   */
  default Map<String, String> flaws() {
    return Map.of();
  }

  /**
   * Whether this server answers what it is mostly asked while its database is away: then it counts
   * as ready without one. A server that keeps no database is never asked.
   */
  default boolean servesWithoutDatabase() {
    return false;
  }

  /** Stops background work and frees models; no call is under way any more. */
  @Override
  void close();
}
