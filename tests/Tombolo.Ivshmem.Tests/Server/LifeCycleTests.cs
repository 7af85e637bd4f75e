// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.Ivshmem.Tests.Server;

[Collection("counts open files")]
public sealed class LifeCycleTests : IDisposable
{
    private readonly Place _place = new();

    [Fact]
    public async Task Full_SaysSo_AndGoesOn()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { MaxPeers = 1 });
        using (RawPeer only = RawPeer.Join(_place.Socket))
        {
            using var refused = new RawPeer(_place.Socket);
            refused.Read().ShouldBe((-1, null));
            Should.Throw<EndOfStreamException>(() => refused.Read());
        }
        while ((await server.SnapshotAsync()).Peers.Count > 0) await Task.Yield();
        RawPeer.Join(_place.Socket).Dispose();
        (await server.SnapshotAsync()).Counters.RefusedFull.ShouldBe(1);
    }

    [Fact]
    public async Task UserNotOnTheList_IsRefused()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { AllowedUsers = [LinuxProcess.EffectiveUserId + 1] });
        using var refused = new RawPeer(_place.Socket);
        refused.Read().ShouldBe((-1, null));
        (await server.SnapshotAsync()).Counters.RefusedUser.ShouldBe(1);
    }

    [Fact]
    public async Task UserOrGroupOnTheList_MayJoin()
    {
        await using (DoorbellServer.Start(_place.Options with { AllowedUsers = [LinuxProcess.EffectiveUserId] }))
            RawPeer.Join(_place.Socket).Dispose();
        await using (DoorbellServer.Start(_place.Options with { AllowedUsers = [LinuxProcess.EffectiveUserId + 1], AllowedGroups = [LinuxProcess.EffectiveGroupId] }))
            RawPeer.Join(_place.Socket).Dispose();
    }

    [Fact]
    public async Task SocketModeAndGroup_AreSet()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { SocketMode = Mode, SocketGroup = LinuxProcess.EffectiveGroupId });
        File.GetUnixFileMode(_place.Socket).ShouldBe(Mode);
    }

    [Fact]
    public async Task Stop_LeavesNothingBehind()
    {
        string name = $"tombolo-test-{Guid.NewGuid():N}";
        await using (DoorbellServer.Start(_place.Options with { Backing = MemoryBacking.Posix, MemoryName = name, KeeperCommand = [Place.Keeper] }))
        {
            File.Exists(SharedFile.PosixPath(name)).ShouldBeTrue();
            _place.Files().ShouldBe(["s", "s.keeper", "s.lock"]);
        }
        File.Exists(SharedFile.PosixPath(name)).ShouldBeFalse();
        while (_place.Files().Contains("s.keeper")) await Task.Yield();   // the keeper ends by itself once told
        _place.Files().ShouldBeEmpty();
    }

    [Fact]
    public async Task Stop_FinishesAHandshakeThatIsUnderWay()
    {
        DoorbellServer server = DoorbellServer.Start(_place.Options with { Vectors = 400, MaxPeers = 4, StopGrace = TimeSpan.FromSeconds(60) });
        using RawPeer first = RawPeer.Join(_place.Socket, ownVectors: 400);
        using var second = new RawPeer(_place.Socket);
        while ((await server.SnapshotAsync()).Peers.Count < 2) await Task.Yield();
        ValueTask stopping = server.DisposeAsync();
        second.ReadHandshake(400);
        await stopping;
        Should.Throw<EndOfStreamException>(() => second.Read());
    }

    [Fact]
    public async Task LivingServer_IsNotTakenOver_AndNamed()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options);
        IvshmemException refused = Should.Throw<IvshmemException>(() => DoorbellServer.Start(_place.Options));
        refused.Message.ShouldBe($"A server with process id {Environment.ProcessId} serves '{_place.Socket}' already; stop it, or choose another path.");
        RawPeer.Join(_place.Socket).Dispose();   // and it is none the worse for it
    }

    [Fact]
    public void ForeignLivingServer_IsNotTakenOver_AndNamed()
    {
        using SafeFd foreign = UnixSocket.Listen(_place.Socket, UnixSocketKind.Stream);
        Should.Throw<IvshmemException>(() => DoorbellServer.Start(_place.Options)).Message.ShouldContain($"process id {Environment.ProcessId}");
        File.Delete(_place.Socket);
    }

    [Fact]
    public async Task StaleSocketAndMemoryOfADeadServer_AreTakenOver()
    {
        string name = $"tombolo-test-{Guid.NewGuid():N}";
        using (var dead = new Child(TestPrograms.Server, $"socket={_place.Socket}", "keeper=no", "backing=Posix", $"memory={name}", "size=65536"))
        {
            dead.ReadLine().ShouldBe("ready");
            dead.Kill();
        }
        File.Exists(_place.Socket).ShouldBeTrue();
        File.Exists(SharedFile.PosixPath(name)).ShouldBeTrue();
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Backing = MemoryBacking.Posix, MemoryName = name });
        RawPeer.Join(_place.Socket).Dispose();
    }

    [Fact]
    public async Task MemoryOfALivingServer_IsRefused()
    {
        string name = $"tombolo-test-{Guid.NewGuid():N}";
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { Backing = MemoryBacking.Posix, MemoryName = name });
        Should.Throw<IvshmemException>(() => DoorbellServer.Start(_place.Options with { SocketPath = _place.Socket + "2", Backing = MemoryBacking.Posix, MemoryName = name }))
            .Message.ShouldContain("Another living server holds the shared memory object");
        _place.Files().ShouldBe(["s", "s.lock"]);   // the failed start left nothing
    }

    [Fact]
    public void PathThatIsNoSocket_IsRefused_AndKept()
    {
        File.WriteAllText(_place.Socket, "precious");
        Should.Throw<IvshmemException>(() => DoorbellServer.Start(_place.Options)).Message.ShouldContain("is not a socket");
        File.ReadAllText(_place.Socket).ShouldBe("precious");
    }

    [Fact]
    public void ConfigurationThatCannotFit_IsSaidInOneSentence()
    {
        long limit = ResourceLimit.RaiseOpenFiles();
        int peers = (int)Math.Min(60000, limit);
        IvshmemException refused = Should.Throw<IvshmemException>(() => DoorbellServer.Start(_place.Options with { MaxPeers = peers, Vectors = 4 }));
        refused.Message.ShouldContain($"{peers} clients with 4 vectors need ");
        refused.Message.ShouldContain($"this process may have {limit} (room for ");
    }

    [Theory]
    [InlineData(3 << 20, "powers of two")]
    [InlineData(2048, "powers of two")]
    public void SizeThatQemuRefuses_IsRefusedAtStart(int size, string expected) =>
        Should.Throw<ArgumentException>(() => DoorbellServer.Start(_place.Options with { SizeBytes = size })).Message.ShouldContain(expected);

    [Fact]
    public async Task TenThousandJoinsAndLeaves_LoseNoDescriptor()
    {
        await using DoorbellServer server = DoorbellServer.Start(_place.Options with { KeeperCommand = [Place.Keeper] });
        using (RawPeer warm = RawPeer.Join(_place.Socket)) { }
        while ((await server.SnapshotAsync()).Peers.Count > 0) await Task.Yield();
        GC.Collect();   // what earlier tests left to the finalizer is not to be counted
        GC.WaitForPendingFinalizers();
        int before = CountDescriptors();
        for (int i = 0; i < 10_000; i++) RawPeer.Join(_place.Socket).Dispose();
        DoorbellSnapshot end = await server.SnapshotAsync();
        while (end.Peers.Count > 0) end = await server.SnapshotAsync();
        end.Counters.Joins.ShouldBe(10_001);
        CountDescriptors().ShouldBeLessThanOrEqualTo(before);
    }

    // Of the kinds that a join takes: the runtime opens files of its own whenever it likes.
    private static int CountDescriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Count(static path =>
    {
        try { return File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name is { } name && (name.StartsWith("socket:", StringComparison.Ordinal) || name.StartsWith("anon_inode:[eventfd]", StringComparison.Ordinal) || name.StartsWith("memfd:", StringComparison.Ordinal)); }
        catch (IOException) { return false; }   // it was the listing's own
    });

    [Fact]
    public async Task TooManyDescriptorsInFlight_AreWaitedOut()
    {
        // Without CAP_SYS_RESOURCE and CAP_SYS_ADMIN, a user may have as many descriptors in flight as one process may open: 300 here.
        using var server = new Child("setpriv", "--bounding-set=-sys_resource,-sys_admin", "prlimit", "--nofile=300:300",
            TestPrograms.Server, $"socket={_place.Socket}", "keeper=no", "vectors=32", "peers=4");
        server.ReadLine().ShouldBe("ready", server.Errors);
        var peers = new List<RawPeer>();
        try
        {
            for (int i = 0; i < 4; i++) peers.Add(new RawPeer(_place.Socket));   // 4 × 4 × 32 = 512 descriptors, none of them read yet
            while (server.Ask("peers") != "0 1 2 3") await Task.Yield();
            var watch = System.Diagnostics.Stopwatch.StartNew();
            for (int messages = 0; messages < 4 * (3 + (4 * 32));)
            {
                watch.Elapsed.ShouldBeLessThan(TimeSpan.FromMinutes(1), $"messages stopped coming after {messages}");
                foreach (RawPeer peer in peers.Where(peer => peer.HasUnread()))
                {
                    _ = peer.Read();
                    messages++;
                }
            }
        }
        finally { peers.ForEach(peer => peer.Dispose()); }
        server.CloseInput().ShouldBe(0);
    }

    public void Dispose() => _place.Dispose();
}
