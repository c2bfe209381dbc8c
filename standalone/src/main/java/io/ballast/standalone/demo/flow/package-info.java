/**
 * The steps of the demo, in the order of {@link io.ballast.standalone.demo.flow.DemoFlow}, and what
 * each of them found.
 */
@NullMarked
package io.ballast.standalone.demo.flow;

import org.jspecify.annotations.NullMarked;
