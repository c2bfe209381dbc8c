package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.measure.Judge;
import io.ballast.standalone.demo.mesh.MeshCalls;
import io.ballast.standalone.demo.position.PositionSets;

/** What every step works with. */
public record DemoContext(
    DemoPlan plan,
    PositionSets sets,
    MeshCalls calls,
    Prompts prompts,
    Judge judge,
    Screen screen) {
  DemoSeeds seeds() {
    return new DemoSeeds(plan.seed());
  }
}
