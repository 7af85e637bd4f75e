// SPDX-License-Identifier: MIT
using System.Globalization;

namespace Tombolo.Bench;

/// <summary>Operations of a store per second, for the same clients (one C program, bench/native/storebench.c), against Debian's xenstored. All servers take turns within each round.</summary>
internal sealed class StoreBench(BenchOptions options) : IDisposable
{
    private static readonly (string Mode, string Title)[] _rows =
    [
        ("read", "read"), ("write", "write of a value that exists"), ("transaction", "transaction: start, read, write, commit"), ("watch", "write, told to 1000 watches"),
    ];

    private static readonly int[] _clients = [1, 16, 128];

    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-bench-").FullName;
    private readonly List<Server> _servers = [];

    private sealed record Server(string Name, string Socket, ChildProgram Program);

    /// <summary>Measures and gives back a table.</summary>
    public IEnumerable<string> Measure()
    {
        StartServers();
        foreach (Server server in _servers) _ = Once(server, "transaction", 16, options.IsQuick ? 1 : 4);   // the compiler works in the background
        var samples = new Dictionary<(string, int, Server), (Sample Rate, Sample Cpu)>();
        for (int round = 0; round < (options.IsQuick ? 2 : 5); round++)
            foreach ((string mode, _) in _rows)
                foreach (int clients in _clients)
                    foreach (Server server in _servers)
                    {
                        (double rate, double cpu) = Once(server, mode, clients, options.IsQuick ? 0.5 : 2);
                        if (!samples.TryGetValue((mode, clients, server), out (Sample Rate, Sample Cpu) sample)) samples.Add((mode, clients, server), sample = (new(), new()));
                        sample.Rate.Add(rate);
                        sample.Cpu.Add(cpu);
                        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"store, {mode} with {clients} clients, round {round + 1}: {server.Name} {rate:0}/s"));
                    }
        yield return $"| operation | clients | {string.Join(" | ", _servers.Select(server => server.Name))} |{(_servers.Count > 2 ? " first ÷ last |" : "")}";
        yield return $"| --- | --- | {string.Concat(_servers.Select(_ => "--- | "))}{(_servers.Count > 2 ? "--- |" : "")}";
        foreach ((string mode, string title) in _rows)
            foreach (int clients in _clients)
            {
                (Sample Rate, Sample Cpu)[] row = [.. _servers.Select(server => samples[(mode, clients, server)])];
                string cells = string.Join(" | ", row.Select(sample => string.Create(CultureInfo.InvariantCulture, $"{sample.Rate.Median:0} ({sample.Rate.Min:0}–{sample.Rate.Max:0}); {sample.Cpu.Median:0.0} µs")));
                yield return string.Create(CultureInfo.InvariantCulture, $"| {title} | {clients} | {cells} |{(_servers.Count > 2 ? $" {row[0].Rate.Median / row[^1].Rate.Median:0.0} |" : "")}");
            }
    }

    public void Dispose()
    {
        foreach (Server server in _servers) server.Program.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void StartServers()
    {
        string Place(string name) => Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, name)).FullName, "s");
        string plain = Place("plain"), sure = Place("sure"), xen = Place("xen");
        Start("`tombolo store`", plain, options.Tombolo, "store", "serve", "--socket", plain, "--journal", "none");
        Start("`tombolo store`, with journal and keeper", sure, options.Tombolo, "store", "serve", "--socket", sure, "--journal", sure + ".journal", "--keeper");
        if (options.Xenstored is not { } folder) return;
        string root = Path.Combine(folder, "root"), program = Path.Combine(Directory.GetDirectories(Path.Combine(root, "usr", "lib"), "xen-*").Single(), "bin", "xenstored");
        Start("xenstored", xen, "env", $"LD_LIBRARY_PATH={root}/usr/lib/{(System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? "x86_64" : "aarch64")}-linux-gnu",
            $"XENSTORED_RUNDIR={Path.GetDirectoryName(xen)}", $"XENSTORED_PATH={xen}", $"LD_PRELOAD={Path.Combine(folder, "xen-shim.so")}", program, "-N");
    }

    private void Start(string name, string socket, params string[] words)
    {
        var server = new ChildProgram(words);
        _servers.Add(new(name, socket, server));
        while (!Path.Exists(socket) && !server.HasExited) _ = Thread.Yield();
        if (server.HasExited) throw new InvalidOperationException($"{name} does not serve.");
    }

    // Operations a second, and what each took of the server's processor time: that tells more on a machine that does other things too.
    private (double Rate, double CpuMicroseconds) Once(Server server, string mode, int clients, double seconds)
    {
        double before = ProcessUsage.Of(server.Program.Id).CpuSeconds;
        string[] said = ChildProgram.Run(Path.Combine(options.Native, "storebench"), server.Socket, mode, clients.ToString(CultureInfo.InvariantCulture), seconds.ToString(CultureInfo.InvariantCulture)).Split(' ');
        double used = ProcessUsage.Of(server.Program.Id).CpuSeconds - before;
        return (double.Parse(said[0], CultureInfo.InvariantCulture), used * 1e6 / long.Parse(said[2], CultureInfo.InvariantCulture));
    }
}
