package io.ballast.reward.core.training;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Keeps what it is told as long as the test runs; it can be full, and do what a test sets when a
 * training has ended.
 */
final class MemoryTrail implements TrainingTrail {
  final List<String> told = new CopyOnWriteArrayList<>();
  volatile boolean full;
  volatile Runnable ending = () -> {};

  @Override
  public void begins(Training training) {
    tell("begins", training);
  }

  @Override
  public void cancels(Training training) {
    tell("cancels", training);
  }

  @Override
  public void ended(Training training) {
    ending.run();
    told.add(training.state() + " " + training.key());
  }

  @Override
  public void interruptedBut(Set<UUID> known) {}

  private void tell(String what, Training training) {
    if (full) {
      throw new MeshException(Fault.OVERLOADED, "the trail is full");
    }
    told.add(what + " " + training.key());
  }
}
