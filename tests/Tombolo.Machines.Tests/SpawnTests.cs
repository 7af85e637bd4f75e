// SPDX-License-Identifier: MIT
using System.Globalization;
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Machines.Tests;

public sealed class SpawnTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ProcessWatcher _watcher = new();

    public void Dispose()
    {
        _watcher.Dispose();
        _folder.Dispose();
    }

    private (int Id, Task<ProcessExit?> Ended) Start(params string[] arguments)
    {
        int id = LinuxProcess.StartInOwnSession("/bin/sh", arguments, _folder["output"]);
        return (id, _watcher.WatchAsync(LinuxProcess.TryOpen(id)!));
    }

    private static Task<ProcessExit?> Ended(Task<ProcessExit?> task) => task.WaitAsync(TimeSpan.FromSeconds(60));

    [Fact]
    public async Task StartInOwnSession_Arguments_ArriveUntouched()
    {
        (_, Task<ProcessExit?> ended) = Start("-c", "printf '%s|' \"$@\"; echo oops >&2; exit 7", "sh", "a b", "", "$HOME'\"\\", "ü");
        (await Ended(ended)).ShouldBe(new ProcessExit(7, BySignal: false));
        File.ReadAllText(_folder["output"]).ShouldBe("a b||$HOME'\"\\|ü|oops\n");
    }

    [Fact]
    public async Task StartInOwnSession_Child_LeadsItsSessionAndHasNoDescriptorOfOurs()
    {
        (int id, Task<ProcessExit?> ended) = Start("-c", "cut -d' ' -f6 /proc/$$/stat; ls /proc/$$/fd | tr '\\n' ' '; readlink /proc/$$/fd/0");
        _ = await Ended(ended);
        string[] lines = File.ReadAllLines(_folder["output"]);
        lines[0].ShouldBe(id.ToString(CultureInfo.InvariantCulture));   // the session id is its own process id
        lines[1].ShouldBe("0 1 2 /dev/null");
    }

    [Fact]
    public async Task StartInOwnSession_ChildNeitherIgnoresNorBlocksASignal()
    {
        (_, Task<ProcessExit?> ended) = Start("-c", "exec sed -n 's/^Sig[IB][gl][nk]://p' /proc/self/status");
        _ = await Ended(ended);
        const ulong OfLibc = 3UL << 31;   // 32 and 33 are glibc's own and out of everybody's reach
        File.ReadAllLines(_folder["output"]).Select(line => ulong.Parse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & ~OfLibc).ShouldBe([0UL, 0UL]);
    }

    [Fact]
    public async Task TrySignal_ThroughADescriptor_KillsThatProcessAndTellsWhenItIsGone()
    {
        int id = LinuxProcess.StartInOwnSession("/bin/sh", ["-c", "exec sleep 600"], _folder["output"]);
        using SafeFd process = LinuxProcess.TryOpen(id)!;
        LinuxProcess.TryReap(process).ShouldBeNull();
        LinuxProcess.TrySignal(process, Signal.Kill).ShouldBeTrue();
        (await Ended(_watcher.WatchAsync(process.Duplicate()))).ShouldBe(new ProcessExit(9, BySignal: true));
        LinuxProcess.TrySignal(process, Signal.Kill).ShouldBeFalse();
    }

    [Fact]
    public void StartInOwnSession_NoSuchProgram_IsOneSentence() =>
        Should.Throw<LinuxException>(() => LinuxProcess.StartInOwnSession("/no/such/program", [], _folder["output"])).Message
            .ShouldBe("posix_spawn /no/such/program: No such file or directory (2).");

    [Fact]
    public void StartInOwnSession_NulInAnArgument_IsTheCallersMistake() =>
        Should.Throw<ArgumentException>(() => LinuxProcess.StartInOwnSession("/bin/sh", ["a\0b"], _folder["output"])).Message.ShouldContain("'a\\0b'");
}
