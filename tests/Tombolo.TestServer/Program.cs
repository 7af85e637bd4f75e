// SPDX-License-Identifier: MIT
// A doorbell server in a process of its own that a test can kill, at a chosen step if it likes.
// Arguments: key=value … (see Read); it says "ready" when clients can connect, and stops in order when its standard input ends.
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Linux;

Dictionary<string, string> given = args.Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
string Read(string key, string otherwise) => given.GetValueOrDefault(key, otherwise);
int Number(string key, int otherwise) => int.Parse(Read(key, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

var options = new DoorbellServerOptions
{
    SocketPath = given["socket"],
    SizeBytes = Number("size", 1 << 20),
    Vectors = Number("vectors", 2),
    Ids = Enum.Parse<IdPolicy>(Read("ids", "Growing")),
    FirstId = Number("first", 0),
    MaxPeers = Number("peers", 8),
    ResidentId = given.ContainsKey("resident") ? Number("resident", 0) : null,
    KeeperCommand = Read("keeper", "yes") == "yes" ? [Path.Combine(AppContext.BaseDirectory, "tombolo-keeper")] : [],
};
long steps = 0;
int killAt = Number("kill-at", 0);
// The step's number is the only clock of a crash test: the same number is the same place in the code for the same history.
Action step = () =>
{
    if (++steps == killAt) _ = LinuxProcess.TrySignal(Environment.ProcessId, Signal.Kill);
};
await using (DoorbellServer server = DoorbellServer.Start(options, null, null, step))
{
    Console.WriteLine(server.TookOver ? "ready again" : "ready");
    while (await Console.In.ReadLineAsync() is { } line)
        if (line == "steps") Console.WriteLine(Interlocked.Read(ref steps));
}
