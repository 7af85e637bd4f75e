// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Samples.ZeroMq;
using Tombolo.Samples.ZeroMq.Programs;

// One executable, seven names: each is a link to it, as in busybox, or the first argument.
Dictionary<string, (string[] Usage, Action<Arguments> Run)> programs = new()
{
    ["server"] = (["bind-to", "message-size", "roundtrip-count"], RoundTrips.Serve),
    ["client"] = (["connect-to", "message-size", "roundtrip-count"], RoundTrips.Measure),
    ["pub"] = (["bind-to", "message-size", "count"], Weather.Publish),
    ["sub"] = (["connect-to", "count"], Weather.Listen),
    ["source"] = (["bind-tasks", "sink", "count"], Tasks.HandOut),
    ["worker"] = (["tasks", "sink"], Tasks.Work),
    ["sink"] = (["bind-to", "count"], Tasks.Collect),
};

byte[] line = File.ReadAllBytes("/proc/self/cmdline");   // the runtime resolves links; the kernel knows the name that was typed
int end = Array.IndexOf(line, (byte)0);
string name = Path.GetFileName(Encoding.UTF8.GetString(line, 0, end < 0 ? line.Length : end));
string[] given = args;
if (!programs.ContainsKey(name) && given.Length > 0) (name, given) = (given[0], given[1..]);
if (!programs.TryGetValue(name, out (string[] Usage, Action<Arguments> Run) program))
{
    Console.Error.WriteLine($"usage: zeromq <{string.Join('|', programs.Keys)}> ...");
    return 2;
}
try
{
    program.Run(new(name, program.Usage, given));
    return 0;
}
catch (UsageException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 2;
}
catch (Exception exception) when (exception is ZmqException or DllNotFoundException or InvalidDataException)
{
    Console.Error.WriteLine($"{name}: {exception.Message}");
    return 1;
}
