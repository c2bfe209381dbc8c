package io.ballast.standalone.process;

import io.ballast.kit.runtime.Role;
import io.ballast.standalone.process.CallRate.Good;
import io.ballast.standalone.process.KillTable.Round;
import io.ballast.standalone.process.KillTable.Victim;
import io.ballast.standalone.process.SteadyLoad.Steady;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Kills one process of a mesh after the other, each when calls go as they did before the first. */
final class KillRounds {
  private static final long SEED = Long.getLong("ballast.kill-seed", 8);

  private final SplitMesh mesh;
  private final SteadyLoad load;
  private final Steady before;

  KillRounds(SplitMesh mesh, SteadyLoad load) {
    this.mesh = mesh;
    this.load = load;
    before = load.steady();
  }

  /** How calls went before the first kill. */
  Steady before() {
    return before;
  }

  /** Each victim as often as every other, in an order drawn anew for each time. */
  List<Round> run(int count) {
    Random random = new Random(SEED);
    List<Victim> victims = new ArrayList<>();
    while (victims.size() < count) {
      List<Victim> once = new ArrayList<>(List.of(Victim.values()));
      Collections.shuffle(once, random);
      victims.addAll(once);
    }
    return victims.stream().limit(count).map(this::kill).toList();
  }

  private Round kill(Victim victim) {
    var unused = load.disturb();
    long killed = System.nanoTime();
    if (victim == Victim.POSTGRESQL) {
      mesh.killDatabase();
    } else {
      mesh.restart(Role.values()[victim.ordinal()]);
    }
    Duration ready = Duration.ofNanos(System.nanoTime() - killed);
    Good again = load.await(before);
    return new Round(victim, ready, ready.plus(again.after()), again.slow());
  }
}
