// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text.Json;
using Tombolo.Channels;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Cli.Tests;

/// <summary>The channel commands as processes of their own, between themselves and with the library in this one.</summary>
public sealed class ChannelCommandTests : IDisposable
{
    private readonly Programs _programs = new();
    private readonly string _path;

    public ChannelCommandTests() => _path = _programs.InFolder("ticks");

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task Pub_Lines_AreMessagesForSub()
    {
        using Process sub = _programs.Start(Programs.Tombolo, "channel", "sub", "--create", "--capacity", "4K", _path);
        while (!File.Exists(_path) || (await RunAsync("ls", _path)).Out.Contains("asleep", StringComparison.Ordinal) is false) { }
        using Process pub = _programs.Start(Programs.Tombolo, "channel", "pub", _path);
        for (int i = 0; i < 1000; i++) await pub.StandardInput.WriteLineAsync($"message {i}");   // more than the ring holds
        pub.StandardInput.Close();

        string came = await sub.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog);
        came.ShouldBe(string.Concat(Enumerable.Range(0, 1000).Select(i => $"message {i}\n")));
        await sub.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        (sub.ExitCode, File.Exists(_path)).ShouldBe((ExitCode.Done, false));
    }

    [Fact]
    public async Task Pub_BeforeSub_WaitsInTheRingAndIsSeenByLsAndTap()
    {
        (await RunAsync("pub", "--create", _path, "hello", "world")).ExitCode.ShouldBe(ExitCode.Done);

        JsonElement row = JsonDocument.Parse((await RunAsync("ls", "--json", _path)).Out).RootElement[0];
        (row.GetProperty("name").GetString(), row.GetProperty("sent").GetInt32(), row.GetProperty("taken").GetInt32()).ShouldBe(("channel", 1, 0));
        CommandLine tap = await RunAsync("tap", _path, "--count", "1");
        (tap.Out, tap.Error).ShouldBe(("hello world\n", "Seen 1 of 1 messages.\n"));
        (await RunAsync("watch", _path, "--count", "1")).Out.ShouldContain("channel");
        (await RunAsync("sub", _path, "--json")).Out.ShouldBe("{\"bytes\":11,\"text\":\"hello world\"}\n");
    }

    [Fact]
    public async Task Sub_FromTheLibrary_ShowsBytesThatAreNoText()
    {
        using (RingProducer producer = Channel.Create(_path))
        {
            producer.Write([0xFF, 0x00, 0x1B]);
            producer.Write("\u001b[31mred"u8);
        }
        (await RunAsync("sub", _path)).Out.ShouldBe("(3 bytes) FF001B\n(8 bytes) 1B5B33316D726564\n");
    }

    [Fact]
    public async Task FanIn_TwoSenders_BothCome()
    {
        foreach (string word in (string[])["one", "two"]) (await RunAsync("pub", "--create", "--kind", "fanin", _path, word)).ExitCode.ShouldBe(ExitCode.Done);

        (await RunAsync("sub", _path, "--count", "2")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order().ShouldBe(["one", "two"]);
    }

    [Fact]
    public async Task Broadcast_TwoReceivers_EachGetsEverything()
    {
        using Process one = _programs.Start(Programs.Tombolo, "channel", "sub", "--create", "--kind", "broadcast", "--keep", "--count", "2", _path);
        using Process two = _programs.Start(Programs.Tombolo, "channel", "sub", "--create", "--kind", "broadcast", "--keep", "--count", "2", _path);
        while ((await RunAsync("ls", _path)).Out.Split("asleep").Length != 3) { }
        using Process pub = _programs.Start(Programs.Tombolo, "channel", "pub", _path);
        foreach (string word in (string[])["first", "second"]) await pub.StandardInput.WriteLineAsync(word);
        pub.StandardInput.Close();

        (await one.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog)).ShouldBe("first\nsecond\n");
        (await two.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog)).ShouldBe("first\nsecond\n");
    }

    [Fact]
    public async Task Sub_SenderDies_SaysSoAfterItsLastMessage()
    {
        using Process sub = _programs.Start(Programs.Tombolo, "channel", "sub", "--create", _path);
        while (!File.Exists(_path)) { }
        using Process pub = _programs.Start(Programs.Tombolo, "channel", "pub", "--create", _path);
        await pub.StandardInput.WriteLineAsync("last words");
        (await Programs.LineWithAsync(sub.StandardOutput, "last words")).ShouldBe("last words");
        pub.Kill();

        (await sub.StandardError.ReadToEndAsync().WaitAsync(Programs.Watchdog)).ShouldBe("tombolo channel sub: The party that sent on channel 'channel' died; everything it sent was printed.\n");
        await sub.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        sub.ExitCode.ShouldBe(ExitCode.Failed);
    }

    [Fact]
    public async Task Socket_ChannelsInAFabricsWindow_PassMessagesBetweenItsPeers()
    {
        string bell = _programs.InFolder("bell");
        await using DoorbellServer server = DoorbellServer.Start(new() { SocketPath = bell, SizeBytes = 1 << 20, Vectors = 2 });
        string[] place = ["--socket", bell, "--at", "64K"];
        using (IvshmemClient other = IvshmemClient.Connect(new() { SocketPath = bell }))
        {
            other.Window.View(0, 8).WriteRelease64(0, 42);   // a mailbox, or anything
            (await RunAsync("sub", "--create", "--socket", bell)).Error.ShouldContain("holds something else than channels at offset 0");
            other.Window.View(0, 8).ReadAcquire64(0).ShouldBe(42UL);
        }
        (await RunAsync(["ls", .. place])).Error.ShouldContain("There are no channels at offset 65536");
        using Process sub = _programs.Start(Programs.Tombolo, ["channel", "sub", "--create", "--capacity", "4K", .. place]);
        while (!(await RunAsync(["ls", .. place])).Out.Contains("asleep", StringComparison.Ordinal)) { }
        using Process pub = _programs.Start(Programs.Tombolo, ["channel", "pub", .. place]);
        for (int i = 0; i < 1000; i++) await pub.StandardInput.WriteLineAsync($"message {i}");   // more than the ring holds
        pub.StandardInput.Close();
        (await sub.StandardOutput.ReadToEndAsync().WaitAsync(Programs.Watchdog)).ShouldBe(string.Concat(Enumerable.Range(0, 1000).Select(i => $"message {i}\n")));
        (await RunAsync(["pub", "hello", "world", .. place])).ExitCode.ShouldBe(ExitCode.Done);   // no file: both words are the message
        (await RunAsync(["tap", "--count", "1", .. place])).Out.ShouldBe("hello world\n");
        (await RunAsync(["watch", "--count", "1", .. place])).Out.ShouldContain("channel");
    }

    [Theory]
    [InlineData(ExitCode.Failed, "There is no channel at", "ls", "nowhere")]
    [InlineData(ExitCode.WrongUse, "Neither a file with channels nor --socket", "ls")]
    [InlineData(ExitCode.WrongUse, "Both --socket and --device", "ls", "--socket", "a", "--device", "b")]
    [InlineData(ExitCode.WrongUse, "--at is 'x'", "ls", "--socket", "a", "--at", "x")]
    [InlineData(ExitCode.WrongUse, "--capacity is 'lots'", "pub", "--create", "--capacity", "lots", "ticks", "x")]
    [InlineData(ExitCode.WrongUse, "--capacity is '1000'; it must be a power of two from 256 to 1G", "pub", "--create", "--capacity", "1000", "ticks", "x")]
    [InlineData(ExitCode.WrongUse, "The channel's name 'a/b' has", "pub", "--create", "--name", "a/b", "ticks", "x")]
    [InlineData(ExitCode.WrongUse, "--count is -1; it must be 0 or more", "sub", "--create", "ticks", "--count", "-1")]
    [InlineData(ExitCode.WrongUse, "--count is -1; it must be 0 or more", "tap", "ticks", "--count", "-1")]
    [InlineData(ExitCode.WrongUse, "--count is -1; it must be 0 or more", "watch", "ticks", "--count", "-1")]
    [InlineData(ExitCode.Failed, "There is no channel at ticks; --create makes one", "pub", "ticks", "x")]
    [InlineData(ExitCode.Failed, "0 of 1 messages came", "sub", "--create", "ticks", "--count", "1", "--timeout", "0.1")]
    [InlineData(ExitCode.WrongUse, "--kind is 'star'", "pub", "--create", "--kind", "star", "ticks", "x")]
    [InlineData(ExitCode.WrongUse, "--interval is 0", "watch", "ticks", "--interval", "0")]
    [InlineData(ExitCode.WrongUse, "--bytes is 7", "bench", "--bytes", "7")]
    public async Task WrongUse_IsOneSentence(int code, string sentence, params string[] words)
    {
        CommandLine run = await RunAsync(words);
        run.ExitCode.ShouldBe(code);
        run.Error.ShouldContain(sentence);
        run.Error.Count(one => one == '\n').ShouldBe(1);
        File.Exists(_path).ShouldBeFalse();
    }

    [Theory]
    [InlineData("ls", "data")]
    [InlineData("pub", "--create", "data", "x")]
    [InlineData("sub", "--create", "data")]
    public async Task FileOfSomethingElse_IsLeftAsItIs(params string[] words)
    {
        File.WriteAllText(_programs.InFolder("data"), "dear diary");
        CommandLine run = await RunAsync(words);
        (run.ExitCode, run.Error).ShouldBe((ExitCode.Failed, $"tombolo channel {words[0]}: The file data holds something else than channels; it was left as it is.\n"));
        File.ReadAllText(_programs.InFolder("data")).ShouldBe("dear diary");
    }

    /// <summary>Ctrl-C in every sort of wait: for a line of input, for room, for a message, for the other process of a measurement.</summary>
    [Theory]
    [InlineData(ExitCode.Failed, "pub", "--create", "ticks")]
    [InlineData(ExitCode.Done, "sub", "--create", "ticks")]
    [InlineData(ExitCode.Failed, "bench")]
    public async Task Interrupted_EndsAtOnce_AndLeavesNothing(int code, params string[] words)
    {
        using Process program = _programs.Start(Programs.Tombolo, ["channel", .. words]);
        string folder = $"/dev/shm/tombolo-bench-{program.Id}";
        if (words[0] == "bench") while (!File.Exists(Path.Combine(folder, "poll-there")) && !program.HasExited) await Task.Yield();
        else while (!(await RunAsync("ls", "ticks")).Out.Contains($"process {program.Id}", StringComparison.Ordinal) && !program.HasExited) { }
        LinuxProcess.TrySignal(program.Id, Signal.Interrupt).ShouldBeTrue();
        string said = await program.StandardError.ReadToEndAsync().WaitAsync(Programs.Watchdog);
        await program.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        (program.ExitCode, said).ShouldBe((code, code == ExitCode.Done ? "" : $"tombolo channel {words[0]}: stopped.\n"));
        (File.Exists(_path), Directory.Exists(folder)).ShouldBe((false, false));
    }

    [Fact]
    public async Task Tap_SeveralChannels_AsksWhich()
    {
        using ChannelArea area = Channel.OpenArea(_path, 1 << 20);
        foreach (string name in (string[])["one", "two"]) area.Create(name, new() { CapacityBytes = 4096 }).ShouldBeTrue();

        CommandLine which = await RunAsync("tap", _path), none = await RunAsync("tap", _path, "--name", "three"), ring = await RunAsync("tap", _path, "--name", "one", "--ring", "1");
        (which.ExitCode, which.Error).ShouldBe((ExitCode.WrongUse, $"tombolo channel tap: {_path} holds one, two; say which with --name.\n"));
        (none.ExitCode, none.Error).ShouldBe((ExitCode.Failed, $"tombolo channel tap: There is no channel 'three' in {_path}; there are one, two.\n"));
        (ring.ExitCode, ring.Error).ShouldBe((ExitCode.Failed, "tombolo channel tap: Channel 'one' has rings 0 to 0, and no ring 1.\n"));
    }

    [Fact]
    [Trait("Speed", "slow")]
    public async Task Bench_TwoProcesses_GivesFigures()
    {
        JsonElement figures = JsonDocument.Parse((await RunAsync("bench", "--json")).Out).RootElement;
        foreach (JsonProperty figure in figures.EnumerateObject()) figure.Value.GetDouble().ShouldBeGreaterThan(0, figure.Name);
    }

    private Task<CommandLine> RunAsync(params string[] words) => _programs.RunAsync(Programs.Tombolo, ["channel", .. words]);
}
