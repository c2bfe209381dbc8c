package io.ballast.inference.triton;

import java.util.List;
import java.util.Optional;

/** What one of several servers must have to be sent calls. */
@FunctionalInterface
interface ReadyCheck {
  /**
   * Returns what a server lacks; empty if it may be sent calls.
   *
   * @throws TritonException if it does not say
   */
  Optional<String> lacks(KServeClient client);

  /** All of {@code models}, ready; if there are none, the server itself. */
  static ReadyCheck of(List<ServedModel> models) {
    List<ServedModel> all = List.copyOf(models);
    return client -> {
      if (all.isEmpty()) {
        return client.ready() ? Optional.empty() : Optional.of("the server is not ready");
      }
      return all.stream()
          .filter(model -> !client.ready(model))
          .findFirst()
          .map(model -> KServeClient.subject(model) + " is not ready");
    };
  }
}
