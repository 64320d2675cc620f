package io.github.jbatchnorm.spark;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.master.Master;
import org.apache.spark.deploy.worker.Worker;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.Option;

/**
 * Tasks that are run twice at a time, whichever is done first. Spark starts a copy on another host
 * alone, so this is local-cluster once more, with two addresses of this machine; and with Spark's
 * other serializer.
 */
class SpeculationTest {
  private static final int MEMORY = 1024; // MB

  @TempDir private Path jars;
  @TempDir private Path folder;

  private static RpcEnv worker(String host, String master, int number) {
    return Worker.startRpcEnvAndEndpoint(
        host,
        0,
        0,
        1,
        MEMORY,
        new String[] {master},
        null,
        Option.apply(number),
        new SparkConf(),
        Option.empty());
  }

  @Test
  void bitsAreThoseOfOneMachineWithCopiesOfTasks() throws IOException {
    SparkConf conf = new SparkConf().set("spark.master.rest.enabled", "false");
    RpcEnv master = Master.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, conf)._1();
    String address = master.address().toSparkURL();
    RpcEnv one = worker("127.0.0.2", address, 1);
    RpcEnv other = worker("127.0.0.3", address, 2);
    SparkSession session =
        SparkHome.make(jars)
            .session()
            .master(address)
            .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
            .config("spark.speculation", true)
            .config("spark.speculation.interval", "50ms")
            .config("spark.speculation.minTaskRuntime", "50ms")
            .config("spark.speculation.quantile", 0.5)
            .config("spark.speculation.multiplier", 1.1)
            .getOrCreate();
    try {
      SameBits.check(session, Faulty.Fault.WAITS_FOR_COPY, folder);
    } finally {
      session.stop();
      one.shutdown();
      other.shutdown();
      master.shutdown();
    }
  }
}
