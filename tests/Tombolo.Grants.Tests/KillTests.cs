// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Tombolo.Grants.Conformance;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>kill -9 of real processes at random moments: of those that grant and map, and of the server.</summary>
public sealed class KillTests
{
    private const int Seed = 6;
    private static readonly int _kills = int.TryParse(Environment.GetEnvironmentVariable("TOMBOLO_GRANT_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int many) ? many : 3000;

    [Fact]
    public void Process_KilledAFewTimes_LeavesNothingBehind() => KillProcesses(60);

    [Fact]
    [Trait("Speed", "slow")]
    public void Process_KilledThousandsOfTimes_LeavesNothingBehind() => KillProcesses(_kills);

    [Fact]
    public void Server_KilledAndStartedAgain_EverythingGoesOn() => KillServer(6);

    [Fact]
    [Trait("Speed", "slow")]
    public void Server_KilledManyTimes_EverythingGoesOn() => KillServer(Math.Max(40, _kills / 75));

    private static void KillProcesses(int kills)
    {
        using var folder = new TemporaryFolder();
        Run("gcc", "-O2", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-o", folder["peer"], Path.Combine(RepositoryFile.PathOf("tests/Tombolo.Grants.Tests"), "grant_peer.c"));
        Witness witness = new();
        using var ground = new TestGround(observer: witness);
        using IDomain steady = ground.Join(new(1)), other = ground.Join(new(2));
        using GrantedPages pages = steady.Grants.Grant(new(2));
        using MappedPages mapped = other.Grants.Map(new(1), pages.References);
        var random = new Random(Seed);
        string[] before = FdCount.Open();
        for (int kill = 0; kill < kills; kill++)
        {
            using Process process = Process.Start(folder["peer"], [ground.Socket, "7", kill % 2 == 0 ? "1" : "7"]);
            long start = Stopwatch.GetTimestamp();
            TimeSpan moment = TimeSpan.FromMicroseconds(random.Next(0, 5000));
            while (Stopwatch.GetElapsedTime(start) < moment) Thread.Yield();
            _ = LinuxProcess.TrySignal(process.Id, Signal.Kill);
            process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
            process.ExitCode.ShouldBeOneOf(0, 128 + 9);   // neither did any request fail, nor was anything as it should not be
            pages.Window.View(0, 4).WriteRelease32(0, (uint)kill);
            mapped.Window.View(0, 4).ReadAcquire32(0).ShouldBe((uint)kill);
        }
        using (IDomain last = ground.Join(new(7))) { }   // its coming and going is heard after everybody else's
        witness.AwaitGone(new(7));
        GrantSnapshot left = ground.Server.SnapshotAsync().GetAwaiter().GetResult();
        left.Domains.ShouldBe([new DomainId(1), new DomainId(2)]);
        left.Grants.ShouldHaveSingleItem().Mappings.ShouldBe(1);
        left.Ports.ShouldBeEmpty();
        FdCount.Open().Length.ShouldBeLessThan(before.Length + 20);
        foreach (GrantCheck check in GrantChecks.All.Take(5)) CheckRun.Run(check, steady, other);
    }

    private static void KillServer(int kills)
    {
        using var folder = new TemporaryFolder();
        string socket = folder["grants"];
        Child server = Start(socket, "ready");
        using IDomain first = Join(socket, 1), second = Join(socket, 2);
        using GrantedPages kept = first.Grants.Grant(new(2), 2), readOnly = first.Grants.Grant(new(2), 1, readOnly: true);
        using MappedPages mapped = second.Grants.Map(new(1), kept.References);
        using EventChannel port = first.Events.AllocateUnbound(new(2)), unbound = first.Events.AllocateUnbound(new(2)), bound = second.Events.BindInterdomain(new(1), port.Port);
        bound.Wait(Watchdog.Limit).ShouldBeTrue();
        try
        {
            for (int kill = 0; kill < kills; kill++)
            {
                using var stop = new CancellationTokenSource();
                Thread busy = Busy(first, second, stop.Token, out ConcurrentQueue<Exception> faults);   // requests are under way in the moment of death
                server.Kill();
                server.Dispose();
                bound.Notify();
                port.Wait(Watchdog.Limit).ShouldBeTrue();   // events need no server
                server = Start(socket, "ready again");
                Equal(kept.TryEnd(), EndOfAccess.StillMapped);
                using (MappedPages again = second.Grants.Map(new(1), readOnly.References, writable: false)) Equal(readOnly.TryEnd(), EndOfAccess.StillMapped);
                using (EventChannel late = second.Events.BindInterdomain(new(1), unbound.Port))
                {
                    late.Wait(Watchdog.Limit).ShouldBeTrue();
                    unbound.Notify();
                    late.Wait(Watchdog.Limit).ShouldBeTrue();
                }
                Should.Throw<GrantException>(() => second.Events.BindInterdomain(new(1), port.Port)).Fault.ShouldBe(GrantFault.BadPort);   // it is still bound
                stop.Cancel();
                busy.Join(Watchdog.Limit).ShouldBeTrue();
                faults.ShouldBeEmpty();
            }
            foreach (GrantCheck check in GrantChecks.All.Take(5)) CheckRun.Run(check, first, second);
        }
        finally { server.Dispose(); }
    }

    private static void Equal(EndOfAccess actual, EndOfAccess expected) => actual.ShouldBe(expected);

    private static Thread Busy(IDomain first, IDomain second, CancellationToken stop, out ConcurrentQueue<Exception> faults)
    {
        ConcurrentQueue<Exception> found = faults = new();
        var thread = new Thread(() =>
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    using GrantedPages pages = first.Grants.Grant(second.Id);
                    MappedPages mapped = second.Grants.Map(first.Id, pages.References);
                    pages.TryEnd().ShouldBe(EndOfAccess.StillMapped);
                    mapped.Dispose();
                    pages.TryEnd().ShouldBe(EndOfAccess.Ended);
                    using EventChannel one = first.Events.AllocateUnbound(second.Id), other = second.Events.BindInterdomain(first.Id, one.Port);
                    other.Wait(Watchdog.Limit).ShouldBeTrue();
                }
            }
            catch (Exception exception) { found.Enqueue(exception); }
        })
        { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static IDomain Join(string socket, ushort domain) => GrantClient.Connect(new() { SocketPath = socket, Domain = new(domain), Patience = Watchdog.Limit });

    private static Child Start(string socket, string expected)
    {
        Child server = Child.Of<KillTests>("server", socket);
        server.ReadLine().ShouldBe(expected);
        return server;
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit(Watchdog.Limit).ShouldBeTrue();
        process.ExitCode.ShouldBe(0);
    }

    private sealed class Witness : IGrantObserver
    {
        private readonly Lock _gate = new();
        private readonly HashSet<DomainId> _present = [];

        public void DomainCame(DomainId domain)
        {
            lock (_gate) _present.Add(domain).ShouldBeTrue();
        }

        public void DomainWent(DomainId domain)
        {
            lock (_gate) _present.Remove(domain).ShouldBeTrue();
        }

        public void Settled(IReadOnlyList<DomainId> present) { }

        public void AwaitGone(DomainId domain) => SpinWait.SpinUntil(() =>
        {
            lock (_gate) return !_present.Contains(domain);
        }, Watchdog.Limit).ShouldBeTrue();
    }
}
