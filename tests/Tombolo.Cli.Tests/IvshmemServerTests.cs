// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Tombolo.Cli.Output;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Cli.Tests;

/// <summary>The drop-in server as users have it: the built program, its flags, its daemon, and what it leaves behind.</summary>
public sealed class IvshmemServerTests : IDisposable
{
    private readonly Programs _programs = new();
    private readonly string _shm = $"tombolo-test-{Environment.ProcessId}-{Guid.NewGuid():N}";

    public void Dispose()
    {
        _programs.Dispose();
        File.Delete($"/dev/shm/{_shm}");   // of a server that was killed
    }

    private string[] Flags(params string[] more) => ["ivshmem-server", "-S", _programs.InFolder("bell"), "-p", _programs.InFolder("bell.pid"), "-M", _shm, .. more];

    private int Pid => int.Parse(File.ReadAllText(_programs.InFolder("bell.pid")), CultureInfo.InvariantCulture);

    [Fact]
    public async Task Daemon_StartedThenTerminated_LeavesNothingBehind()
    {
        CommandLine ran = await _programs.RunAsync(Programs.Tombolo, Flags("-l", "64K", "-n", "3"));
        ran.ShouldBe(new(ExitCode.Done, "", ""));
        new FileInfo($"/dev/shm/{_shm}").Length.ShouldBe(65536);
        int pid = Pid;
        FieldsOfStat(pid)[3].ShouldBe(pid.ToString(CultureInfo.InvariantCulture), "the daemon leads its own session");
        foreach (int stream in new[] { 0, 1, 2 })
            new FileInfo($"/proc/{pid}/fd/{stream}").LinkTarget.ShouldBe("/dev/null");

        LinuxProcess.TrySignal(pid, Signal.Terminate).ShouldBeTrue();
        await Programs.EndedAsync(pid);

        Directory.EnumerateFileSystemEntries(_programs.Folder).ShouldBeEmpty();
        File.Exists($"/dev/shm/{_shm}").ShouldBeFalse();
    }

    [Fact]
    public async Task Daemon_AnotherRunsAlready_IsRefusedWithItsPid()
    {
        (await _programs.RunAsync(Programs.Tombolo, Flags())).ExitCode.ShouldBe(ExitCode.Done);
        int pid = Pid;

        CommandLine second = await _programs.RunAsync(Programs.Tombolo, Flags());

        second.ExitCode.ShouldBe(ExitCode.Failed);
        second.Error.ShouldContain(pid.ToString(CultureInfo.InvariantCulture));
        Pid.ShouldBe(pid, "the refused server must leave the other's pid file alone");
    }

    [Fact]
    public async Task Daemon_PidFileCannotBeWritten_SaysSoAndLeavesNothing()
    {
        CommandLine ran = await _programs.RunAsync(Programs.Tombolo, "ivshmem-server", "-S", _programs.InFolder("bell"), "-M", _shm, "-p", "/nonexistent/bell.pid");

        ran.ExitCode.ShouldBe(ExitCode.Failed);
        ran.Error.ShouldStartWith("tombolo ivshmem-server: The pid file '/nonexistent/bell.pid' cannot be written");
        ran.Error.TrimEnd().ShouldNotContain('\n');
        Directory.EnumerateFileSystemEntries(_programs.Folder).ShouldBeEmpty();
        File.Exists($"/dev/shm/{_shm}").ShouldBeFalse();
    }

    [Fact]
    public async Task LinkNamedAsStock_Foreground_ServesTheStockProtocolAndWritesNoPidFile()
    {
        string stock = _programs.InFolder("ivshmem-server");
        File.CreateSymbolicLink(stock, Programs.Tombolo);

        using Process server = _programs.Start(stock, "-Fv", "-S", _programs.InFolder("bell"), "-M", _shm, "-l8K", "-n2", "-p", _programs.InFolder("bell.pid"));
        _ = await Programs.LineWithAsync(server.StandardOutput, "Listening on");

        long[] handshake = await HandshakeAsync(_programs.InFolder("bell"), messages: 5);
        handshake.ShouldBe([0, 0, -1, 0, 0], "version, first ID, memory, own two vectors");
        File.Exists(_programs.InFolder("bell.pid")).ShouldBeFalse();
        _ = await Programs.LineWithAsync(server.StandardError, "Peer 0 joined");
        LinuxProcess.TrySignal(server.Id, Signal.Interrupt).ShouldBeTrue();
        await server.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        server.ExitCode.ShouldBe(0);
        Directory.EnumerateFileSystemEntries(_programs.Folder).ShouldBe([stock]);
    }

    [Fact]
    public async Task Keeper_ServerKilledAndStartedAgain_TakesOver()
    {
        string[] flags = ["ivshmem-server", "-F", "--keeper", "--memfd", "-S", _programs.InFolder("bell")];
        using Process first = _programs.Start(Programs.Tombolo, flags);
        _ = await Programs.LineWithAsync(first.StandardOutput, "Listening on");
        first.Kill();
        await first.WaitForExitAsync().WaitAsync(Programs.Watchdog);

        using Process second = _programs.Start(Programs.Tombolo, flags);

        (await Programs.LineWithAsync(second.StandardOutput, "Listening on")).ShouldContain("with the clients of the server before");
        LinuxProcess.TrySignal(second.Id, Signal.Terminate).ShouldBeTrue();
        await second.WaitForExitAsync().WaitAsync(Programs.Watchdog);
        Directory.EnumerateFileSystemEntries(_programs.Folder).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("-v", "A daemon has nowhere to be verbose; give -F or --log with -v.")]
    [InlineData("-F -l 3M", "SizeBytes is 3145728; QEMU takes only powers of two from 4096 on.")]
    [InlineData("-F -l many", "The size 'many' is not a number with K, M, G or nothing behind it. Try 'tombolo ivshmem-server --help'.")]
    [InlineData("-F -n 0", "Vectors is 0; a device has 1 to 2048.")]
    [InlineData("-F -n x", "The number of vectors 'x' is not a number. Try 'tombolo ivshmem-server --help'.")]
    [InlineData("-F --mode 999", "The mode '999' is not octal permission bits from 0 to 0777. Try 'tombolo ivshmem-server --help'.")]
    [InlineData("-F --allow-uid no-such-user", "There is no user 'no-such-user' in /etc/passwd; give its number if another service knows it.")]
    [InlineData("-F --sticky 2 --random-ids 3", "--sticky and --random-ids cannot both be.")]
    public async Task Flags_Wrong_EndWithTwoAndASentence(string flags, string sentence)
    {
        CommandLine ran = await CommandLine.RunAsync($"ivshmem-server {flags}");

        ran.ShouldBe(new(ExitCode.WrongUse, "", $"tombolo ivshmem-server: {sentence}\n"));
    }

    [Fact]
    public void Flags_None_AreTheStockDefaults()
    {
        DoorbellServerOptions options = Bind("ivshmem-server");

        (options.SocketPath, options.Backing, options.MemoryName, options.SizeBytes, options.Vectors, options.Ids, options.FirstId)
            .ShouldBe(("/tmp/ivshmem_socket", MemoryBacking.Posix, "ivshmem", 4 << 20, 1, IdPolicy.Growing, 0));
    }

    [Theory]
    [InlineData("-l 64K -n 0x10", 65536, 16)]
    [InlineData("-l64k -n4", 65536, 4)]
    [InlineData("-Fl 1.5M", 1572864, 1)]
    [InlineData("-l 1G -F", 1 << 30, 1)]
    [InlineData("-l 8192", 8192, 1)]
    public void Flags_InAnyNotation_AreUnderstood(string flags, long size, int vectors)
    {
        DoorbellServerOptions options = Bind($"ivshmem-server {flags}");

        (options.SizeBytes, options.Vectors).ShouldBe((size, vectors));
    }

    [Fact]
    public void Flags_OfOurs_AreBound()
    {
        DoorbellServerOptions options = Bind("ivshmem-server --memfd --sticky 14 --first-id 1 --queue 99 --allow-uid root --allow-uid 7 --allow-gid 8 --mode 0660 --group root --keeper");

        (options.Backing, options.Ids, options.MaxPeers, options.FirstId, options.QueueNotices).ShouldBe((MemoryBacking.Memfd, IdPolicy.Sticky, 14, 1, 99));
        options.AllowedUsers.ShouldBe([0u, 7u]);
        options.AllowedGroups.ShouldBe([8u]);
        ((int)options.SocketMode!.Value, options.SocketGroup).ShouldBe((0x1B0, 0u));
        options.KeeperCommand.ShouldBe(["the", "keeper"]);
    }

    private static DoorbellServerOptions Bind(string line)
    {
        Stock.StockServerFlags flags = new();
        System.CommandLine.Command command = new("ivshmem-server");
        foreach (System.CommandLine.Option option in flags.All) command.Add(option);
        System.CommandLine.ParseResult parsed = new System.CommandLine.RootCommand { command }.Parse(line.Split(' '));
        parsed.Errors.ShouldBeEmpty();
        return flags.Bind(parsed, ["the", "keeper"]);
    }

    private static string[] FieldsOfStat(int pid)
    {
        string text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');   // state, parent, group, session
    }

    private static async Task<long[]> HandshakeAsync(string path, int messages)
    {
        using SafeFd socket = UnixSocket.Connect(path, UnixSocketKind.Stream);
        using FdInbox inbox = new();
        byte[] bytes = new byte[messages * IvshmemMessage.Size];
        int have = 0;
        await Task.Run(() =>
        {
            while (have < bytes.Length)
            {
                UnixSocket.Wait(socket, forReading: true, Programs.Watchdog).ShouldBeTrue();
                int came = UnixSocket.Receive(socket, bytes.AsSpan(have), inbox).Bytes;
                came.ShouldBeGreaterThan(0);
                have += came;
            }
        });
        return [.. bytes.Chunk(IvshmemMessage.Size).Select(chunk => { IvshmemMessage.TryRead(chunk, out IvshmemMessage message).ShouldBeTrue(); return message.Value; })];
    }
}
