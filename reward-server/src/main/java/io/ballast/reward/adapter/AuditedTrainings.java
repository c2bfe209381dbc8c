package io.ballast.reward.adapter;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingTrail;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trainings in the audit trail: {@code training.start} and {@code training.cancel} by whoever asked
 * for it, and {@code training.succeeded}, {@code training.failed}, {@code training.cancelled} or
 * {@code training.interrupted}. Thread-safe.
 */
public final class AuditedTrainings implements TrainingTrail {
  private static final Logger LOG = LoggerFactory.getLogger(AuditedTrainings.class);
  private static final String ACTIONS = "training.";
  private static final String START = ACTIONS + "start";
  private static final String CANCEL = ACTIONS + "cancel";

  private final FileAudit audit;

  /** Whose beginning is told and whose end is not; under this. */
  private final Set<String> open = new LinkedHashSet<>();

  /** Those of them that have ended, by id; under this. */
  private final Map<UUID, Training> untold = new LinkedHashMap<>();

  /** Trainings that {@code audit} tells. */
  public AuditedTrainings(FileAudit audit) {
    this.audit = audit;
    for (Act act : audit.acts(ACTIONS)) {
      switch (act.action()) {
        case START -> open.add(act.subject());
        case CANCEL -> {} // it has not ended by that
        default -> open.remove(act.subject());
      }
    }
  }

  @Override
  public synchronized void begins(Training training) {
    var unused =
        audit.append(
            act(
                START,
                training,
                Map.of(
                    "version", training.version().toString(),
                    "fingerprint", training.fingerprint())));
    open.add(training.id().toString());
    tellEnds();
  }

  @Override
  public synchronized void cancels(Training training) {
    var unused =
        audit.append(act(CANCEL, training, Map.of("version", training.version().toString())));
  }

  @Override
  public synchronized void ended(Training training) {
    if (open.contains(training.id().toString())) {
      untold.put(training.id(), training);
      tellEnds();
    }
  }

  private void tellEnds() {
    for (Training training : List.copyOf(untold.values())) {
      try {
        var unused =
            audit.append(
                act(
                    ACTIONS + training.state().name().toLowerCase(Locale.ROOT),
                    training,
                    outcome(training)));
      } catch (MeshException e) {
        LOG.error("the end of training {} is not told yet: {}", training.id(), e.getMessage());
        return;
      }
      open.remove(training.id().toString());
      untold.remove(training.id());
    }
  }

  private static Map<String, String> outcome(Training training) {
    Map<String, String> details = new TreeMap<>();
    details.put("version", training.version().toString());
    training.result().ifPresent(came -> details.put("sha256", came.version().weightsSha256()));
    training.failure().ifPresent(why -> details.put("reason", why.reason()));
    return details;
  }

  private static Act act(String action, Training training, Map<String, String> details) {
    return new Act(action, training.tenant(), "", training.id().toString(), "", details);
  }
}
