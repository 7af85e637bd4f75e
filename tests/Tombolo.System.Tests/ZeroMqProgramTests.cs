// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Testing;

namespace Tombolo.System.Tests;

/// <summary>The seven ZeroMQ programs on the host's loopback, ours and their twins in C: each takes the other's place.</summary>
public sealed partial class ZeroMqProgramTests : IDisposable
{
    private static readonly string[] _names = ["server", "client", "pub", "sub", "source", "worker", "sink"];
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];

    public ZeroMqProgramTests()
    {
        (int compiled, _, string complaint) = RealPrograms.Run("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", _folder["twin"], RepositoryFile.PathOf("samples/zeromq/c/zeromq.c"), "-lzmq"], []);
        compiled.ShouldBe(0, complaint);
        foreach ((string language, string program) in new[] { ("cs", Path.Combine(AppContext.BaseDirectory, "zeromq")), ("c", _folder["twin"]) })
        {
            _ = Directory.CreateDirectory(_folder[language]);
            foreach (string name in _names) _ = File.CreateSymbolicLink(Path.Combine(_folder[language], name), program);
        }
    }

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _folder.Dispose();
    }

    // A socket's place in the file system is nobody else's; a port might be.
    private string At(string name) => $"ipc://{_folder[name]}";

    private Process Start(string language, string name, params string[] arguments)
    {
        Process process = Process.Start(new ProcessStartInfo(Path.Combine(_folder[language], name), arguments) { RedirectStandardOutput = true })!;
        _started.Add(process);
        return process;
    }

    private string Run(string language, string name, params string[] arguments)
    {
        (int code, string output, string error) = RealPrograms.Run(Path.Combine(_folder[language], name), arguments, []);
        code.ShouldBe(0, error);
        return output;
    }

    private static string End(Process process)
    {
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
        process.ExitCode.ShouldBe(0);
        return output;
    }

    [Theory]
    [InlineData("cs", "cs")]
    [InlineData("cs", "c")]
    [InlineData("c", "cs")]
    public void Scenarios_EitherLanguageAtEitherEnd_SayTheSame(string one, string other)
    {
        Process server = Start(one, "server", At("lat"), "100", "50");
        Latency().IsMatch(Run(other, "client", At("lat"), "100", "50")).ShouldBeTrue();
        End(server).ShouldBeEmpty();

        Process sub = Start(one, "sub", At("weather"), "2");
        string[] published = Run(other, "pub", At("weather"), "50", "2").TrimEnd().Split('\n');
        string[] heard = End(sub).TrimEnd().Split('\n');
        heard[..2].ShouldBe(published);
        heard[2].ShouldBe($"Average temperature for zipcode was {published.Sum(update => int.Parse(update.Split(' ')[1], CultureInfo.InvariantCulture)) / 2}F");

        Process[] workers = [Start(one, "worker", At("tasks"), At("results")), Start(other, "worker", At("tasks"), At("results"))];
        Process sink = Start(other, "sink", At("results"), "20");
        int cost = int.Parse(Cost().Match(Run(one, "source", At("tasks"), At("results"), "20")).Groups[1].Value, CultureInfo.InvariantCulture);
        Sink().IsMatch(End(sink)).ShouldBeTrue();
        int done = 0;
        foreach (Process worker in workers)
        {
            worker.Kill();
            worker.WaitForExit();
            done += worker.StandardOutput.ReadToEnd().Split('.', StringSplitOptions.RemoveEmptyEntries).Sum(workload => int.Parse(workload, CultureInfo.InvariantCulture));
        }
        done.ShouldBe(cost);
    }

    [Theory]
    [InlineData("server", 2, "usage: server <bind-to> <message-size> <roundtrip-count>")]
    [InlineData("sub tcp://127.0.0.1:1 none", 2, "sub: <count> is 'none'; it must be a number from 1 to 2147483647")]
    [InlineData("sink nowhere 1", 1, "sink: zmq_bind nowhere: Invalid argument")]
    public void Program_CalledWrongly_SaysHow(string line, int code, string sentence)
    {
        string[] words = line.Split(' ');
        (int ended, _, string error) = RealPrograms.Run(Path.Combine(_folder["cs"], words[0]), words[1..], []);
        (ended, error.TrimEnd()).ShouldBe((code, sentence));
    }

    [GeneratedRegex(@"^message size: 100 \[B\]\nroundtrip count: 50\naverage latency: \d+\.\d{3} \[us\]\n$")] private static partial Regex Latency();

    [GeneratedRegex(@"^Total expected cost: (\d+) msec\n$")] private static partial Regex Cost();

    [GeneratedRegex(@"^:\.{9}:\.{9}\nTotal elapsed time: \d+ msec\n$")] private static partial Regex Sink();
}
