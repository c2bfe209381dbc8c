/** Whether the display gate's claims hold on what programmers did with a real assistant. */
@NullMarked
package io.ballast.standalone.experiment.gate;

import org.jspecify.annotations.NullMarked;
