// SPDX-License-Identifier: MIT
using System.Globalization;
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.Ivshmem.Tests.Server;

/// <summary>The server is killed and started again; its clients, real processes, must not be able to tell.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly Place _place = new();
    private readonly List<Child> _children = [];

    [Fact]
    public void Killed_AndStartedAgain_ClientsKeepIdsMemoryAndDoorbells_AndLearnOfNewcomers()
    {
        Child first = StartServer();
        using RawPeer one = RawPeer.Join(_place.Socket), two = RawPeer.Join(_place.Socket);
        first.Kill();
        EventFd.Signal(two.Held(one.Told[0].EventFd)).ShouldBeTrue();   // doorbells work without a server
        using var waiting = new RawPeer(_place.Socket);                  // and a newcomer waits
        StartServer("ready again");
        waiting.ReadHandshake(2);
        waiting.Id.ShouldBe(2);
        waiting.Told.Take(4).Select(entry => entry.EventFd).ShouldBe(one.Told.Concat(two.Told.Skip(2)).Select(entry => entry.EventFd));
        (one.ReadNotice().Id, one.ReadNotice().Id).ShouldBe((1L, 1L));
        (one.ReadNotice(), one.ReadNotice()).ShouldBe(((2L, (int?)waiting.Told[4].EventFd), (2L, (int?)waiting.Told[5].EventFd)));
        two.Dispose();
        one.ReadNotice().ShouldBe((1, null));
        waiting.ReadNotice().ShouldBe((1, null));
    }

    [Fact]
    public void Killed_ClientThatLeftMeanwhile_IsToldOfOnce()
    {
        Child first = StartServer();
        using RawPeer one = RawPeer.Join(_place.Socket);
        using (RawPeer two = RawPeer.Join(_place.Socket))
        {
            (one.ReadNotice().Id, one.ReadNotice().Id).ShouldBe((1L, 1L));
            first.Kill();
        }
        StartServer("ready again");
        one.ReadNotice().ShouldBe((1, null));
        using RawPeer three = RawPeer.Join(_place.Socket);
        one.ReadNotice().Id.ShouldBe(2);
    }

    [Fact]
    public void KilledManyTimes_ResidentKeepsItsDoorbells_AndStickySlotsKeepTheirs()
    {
        string[] sticky = ["ids=Sticky", "first=1", "peers=3", "resident=4"];
        Child server = StartServer("ready", sticky);
        using RawPeer one = RawPeer.Join(_place.Socket);
        for (int i = 0; i < 10; i++)
        {
            server.Kill();
            server = StartServer("ready again", sticky);
            using RawPeer two = RawPeer.Join(_place.Socket);
            two.Id.ShouldBe(2);
            two.Told.Where(entry => entry.Value is 4 or 3).ShouldBe(one.Told.Where(entry => entry.Value is 4 or 3));
            two.Dispose();
            while (server.Ask("peers") != "1") { }
        }
        one.HasUnread().ShouldBeFalse();
    }

    [Fact]
    public void KeeperKilled_ServerStartsAnother_AndSurvivesItsOwnDeathAgain()
    {
        Child server = StartServer();
        using RawPeer one = RawPeer.Join(_place.Socket);
        for (int i = 0; i < 3; i++)
        {
            int keeper = KeeperId();
            _ = LinuxProcess.TrySignal(keeper, Signal.Kill);
            while (KeeperId() is var next && (next == 0 || next == keeper)) { }
            while (server.Ask("kept") != "True") { }
            using RawPeer passing = RawPeer.Join(_place.Socket);
            server.Kill();
            server = StartServer("ready again");
            one.ReadNotice().Id.ShouldBe(passing.Id);
            one.ReadNotice().Id.ShouldBe(passing.Id);
            passing.Dispose();
            one.ReadNotice().ShouldBe((passing.Id, null));
        }
    }

    [Fact]
    public void OtherOptions_AreRefused_AndNothingIsLost()
    {
        StartServer().Kill();
        using (var other = new Child(TestPrograms.Server, $"socket={_place.Socket}", "vectors=3"))
            other.ReadLine().ShouldNotBeNull().ShouldContain("was started with another memory size, vector count, ID policy or place for peers");
        StartServer("ready again");
    }

    // Two clients are there, a third joins and leaves. The server is killed at step k of that history, for every k, and started again.
    // Each client must be told each vector of each peer exactly once and in order, and each leave exactly once.
    [Theory]
    [Trait("Speed", "slow")]
    [InlineData("Growing")]
    [InlineData("Sticky")]
    public void KilledAtEveryStep_EveryClientIsToldEverythingExactlyOnce(string ids)
    {
        string[] options = [$"ids={ids}", "peers=3", "vectors=1"];
        int killAt = 0, survived = 0;
        while (survived == 0)
        {
            _killAt = ++killAt;
            Child server = StartServer("ready", [.. options, $"kill-at={killAt}"]);
            var clients = new List<Child>();
            var histories = new List<List<string>>();
            for (int joined = 0; joined < 3; joined++)
            {
                Child client = Track(new(TestPrograms.Server, "client", _place.Socket));
                clients.Add(client);
                histories.Add([]);
                while (!HasOwnVector(histories[joined])) server = Advance(server, client, histories[joined], options);
            }
            string third = histories[2][1].Split(' ')[0];
            for (int witness = 0; witness < 2 && ids == "Growing"; witness++)   // whoever was not told of it need not be told that it left
                while (!histories[witness].Skip(3).Any(line => line.Split(' ')[0] == third)) server = Advance(server, clients[witness], histories[witness], options);
            clients[2].Kill();
            if (ids == "Growing")
                for (int witness = 0; witness < 2; witness++)
                    while (!histories[witness].Contains($"{third} -", StringComparer.Ordinal)) server = Advance(server, clients[witness], histories[witness], options);
            else
                while ((server = Revive(server, options)).Ask("peers") != "0 1") { }
            if (int.Parse(server.Ask("steps") ?? "0", CultureInfo.InvariantCulture) is var steps && !_revived) survived = steps;
            if (server.CloseInput() != 0) StartServer(null, options).CloseInput();   // killed while it stopped
            for (int client = 0; client < 2; client++)
            {
                while (clients[client].ReadLine() is { } line)
                    if (!line.StartsWith("closed 0", StringComparison.Ordinal)) histories[client].Add(line);
                Judge(histories[client], ids, killAt);
            }
            EndChildren();
            _revived = false;
        }
        killAt.ShouldBeGreaterThan(40);   // the history has that many steps at the least: it was killed at each of them
    }

    private bool _revived;
    private int _killAt;

    // Reads the client's next line; a dead server is started again first.
    private Child Advance(Child server, Child client, List<string> history, string[] options)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!client.HasLine)
        {
            server = Revive(server, options);
            string soFar = $"(killed at step {_killAt}; it heard: {string.Join(", ", history)})";
            client.HasExited.ShouldBeFalse($"a client was cut off {soFar}");
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), $"a client hears nothing any more {soFar}");
        }
        string line = client.ReadLine().ShouldNotBeNull("a client was cut off");
        line.ShouldNotStartWith("closed");
        history.Add(line);
        return server;
    }

    private Child Revive(Child server, string[] options)
    {
        if (!server.HasExited) return server;
        _revived = true;
        return StartServer(null, options);
    }

    private static bool HasOwnVector(List<string> history) =>
        history.Count > 3 && history[1].Split(' ')[0] is var own && history.Skip(3).Any(line => line.Split(' ')[0] == own);

    private static void Judge(List<string> history, string ids, int killAt)
    {
        string all = $"killed at step {killAt}: {string.Join(", ", history)}";
        history[0].ShouldBe("0 -", all);
        history[1].ShouldEndWith(" -", customMessage: all);
        history[2].ShouldBe("-1 memory", all);
        string[] rest = [.. history.Skip(3)];
        rest.Where(line => !line.EndsWith(" -", StringComparison.Ordinal)).ShouldBeUnique(all);                       // no vector twice
        rest.Where(line => !line.EndsWith(" -", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]).ShouldBeUnique(all);
        string[] left = [.. rest.Where(line => line.EndsWith(" -", StringComparison.Ordinal)).Select(line => line.Split(' ')[0])];
        left.ShouldBeUnique(all);                                                                                      // no leave twice
        left.ShouldBeSubsetOf(rest.Where(line => !line.EndsWith(" -", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]), all);
        if (ids == "Sticky") left.ShouldBeEmpty(all);
    }

    private Child StartServer(string? says = "ready", params string[] options)
    {
        Child server = Track(new(TestPrograms.Server, [$"socket={_place.Socket}", .. options]));
        if (says is not null) server.ReadLine().ShouldBe(says, server.Errors);
        else _ = server.ReadLine();
        return server;
    }

    private int KeeperId()
    {
        try
        {
            using SafeFd socket = UnixSocket.Connect(_place.Socket + ".keeper", UnixSocketKind.SequencedPacket);
            return UnixSocket.CredentialsOf(socket).ProcessId;
        }
        catch (LinuxException) { return 0; }
    }

    private Child Track(Child child)
    {
        _children.Add(child);
        return child;
    }

    private void EndChildren()
    {
        _children.ForEach(child => child.Dispose());
        _children.Clear();
    }

    public void Dispose()
    {
        EndChildren();
        if (KeeperId() is var keeper and not 0) _ = LinuxProcess.TrySignal(keeper, Signal.Kill);
        _place.Dispose();
    }
}
