package io.ballast.loadtest.call;

import java.util.Map;
import java.util.Set;

/**
 * What a load reported for a tenant.
 *
 * @param acknowledged ids of the events that the mesh acknowledged
 * @param calls by suggestion, how many events were reported on it, whatever was answered: it has no
 *     more than that
 */
public record ReportedEvents(Set<String> acknowledged, Map<String, Integer> calls) {
  public ReportedEvents {
    acknowledged = Set.copyOf(acknowledged);
    calls = Map.copyOf(calls);
  }
}
