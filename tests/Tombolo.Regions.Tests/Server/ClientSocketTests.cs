// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests.Server;

/// <summary>The clients' protocol, byte for byte.</summary>
public sealed class ClientSocketTests : ServedPlace
{
    private async Task RestartAsync(RegionServerOptions options)
    {
        await _server.DisposeAsync();
        _server = await RegionServer.StartAsync(options);
    }

    [Fact]
    public void Ask_ARegion_GivesPlaceDoorbellsAndWindow_AndCloses()
    {
        using var client = new RawClient(_place.Clients);
        (uint begin, uint end, SafeFd fromGuest, SafeFd toGuest, SafeFd memory) = client.Ask("input");
        (begin, end).ShouldBe((0x11000u, 0x15000u));
        EventFd.Signal(_server.FromGuest[1]);
        EventFd.TryRead(fromGuest, out _).ShouldBeTrue();
        EventFd.Signal(toGuest);
        EventFd.TryRead(_server.ToGuest[1], out _).ShouldBeTrue();
        EventFd.TryRead(_server.ToGuest[0], out _).ShouldBeFalse();
        SharedFile.SizeOf(memory).ShouldBe(_server.Layout.WindowBytes);
        using Window window = Window.Map(memory);
        RegionLayout.TryRead(window, out RegionLayout? layout, out string fault).ShouldBeTrue(fault);
        layout!.Regions.ShouldBe(_server.Layout.Regions);
    }

    [Theory]
    [InlineData("input", 5, "input")]
    [InlineData("input", 5, "GET REGION: input")]
    [InlineData("input", 17, "GET REGION: input")]
    public void Ask_NameInEachForm_IsTaken(string name, int length, string said)
    {
        using var client = new RawClient(_place.Clients);
        _ = client.Say("GET PROTOCOL_VER").Read(10);
        client.Say($"INFORM REGION_NAME_LEN: 0x{length:x8}").Say(said).Read(20).ShouldBe("0x00011000" + "0x00015000", $"asked for {name} in another form");
        for (int fd = 0; fd < 3; fd++) _ = client.ReadFd();
        client.ShouldBeClosed();
    }

    // ---- owner words, ours beside vSoC's protocol

    private RawClient Own(string words)
    {
        var client = new RawClient(_place.Clients);
        _ = client.Say("GET PROTOCOL_VER").Read(10);
        return client.Say($"OWNING REGION_NAME_LEN: {words}");
    }

    private uint OwnerWord => _server.Window.View(_server.Layout.Regions[2].BeginOffset + 0x88, 4).ReadAcquire32(0);

    [Fact]
    public async Task Own_AWord_IsClaimedWhileTheConnectionStands_AndOwnedByOneAtATime()
    {
        using RawClient first = Own("0x0000000afb_manager0x000000880x00000007");
        first.Read(10).ShouldBe("0x00000000");
        OwnerWord.ShouldBe(7u);
        ((await _server.SnapshotAsync()).Counters.Owners, (await _server.SnapshotAsync()).Counters.Talking).ShouldBe((1, 0));
        foreach (string value in (string[])["0x00000007", "0x00000008"])
            using (RawClient second = Own("0x0000000afb_manager0x00000088" + value))
            {
                second.Read(10).ShouldBe("0x00000001");
                second.ShouldBeClosed();
            }
        OwnerWord.ShouldBe(7u);
        first.Say("\0").Read(10).ShouldBe("0x00000000");
        first.ShouldBeClosed();
        OwnerWord.ShouldBe(0u);
        using (RawClient third = Own("0x0000000afb_manager0x000000880x00000009")) third.Read(10).ShouldBe("0x00000000");
        TestPeers.Watchdog.Until(() => OwnerWord == 0, "who hangs up owns nothing");
        (await _server.SnapshotAsync()).Counters.Owners.ShouldBe(0);
    }

    [Theory]
    [InlineData("0x00000004none0x000000880x00000007")]
    [InlineData("0x0000000afb_manager0x000000840x00000007")]   // before the data
    [InlineData("0x0000000afb_manager0x0000008a0x00000007")]
    [InlineData("0x0000000afb_manager0x000020000x00000007")]
    [InlineData("0x0000000afb_manager0xfffffffc0x00000007")]
    [InlineData("0x0000000afb_manager0x000000880x00000000")]
    public void Own_WhatCannotBe_IsRefused(string words)
    {
        using RawClient client = Own(words);
        client.Read(10).ShouldBe("0xffffffff");
        client.ShouldBeClosed();
        OwnerWord.ShouldBe(0u);
    }

    [Fact]
    public async Task Own_ByWhoMayOnlyRead_IsRefused()
    {
        await RestartAsync(_place.Options with { Access = [new() { Users = [LinuxProcess.EffectiveUserId], Rights = RegionRights.Read }] });
        using RawClient client = Own("0x0000000afb_manager0x000000880x00000007");
        client.Read(10).ShouldBe("0xffffffff");
        OwnerWord.ShouldBe(0u);
    }

    [Fact]
    public void Ask_EverythingAtOnce_OrByteByByte_IsTheSame()
    {
        const string All = "GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005input";
        using var hasty = new RawClient(_place.Clients);
        hasty.Say(All).Read(30).ShouldBe("0x000000000x000110000x00015000");
        using var slow = new RawClient(_place.Clients);
        foreach (char letter in All) _ = slow.Say(letter.ToString());
        slow.Read(30).ShouldBe("0x000000000x000110000x00015000");
    }

    [Theory]
    [InlineData("nosuchregion")]
    [InlineData("INPUT")]
    [InlineData("inpu")]
    [InlineData("a name that is longer than any region's can be, much longer than fifteen letters")]
    public void Ask_NoSuchRegion_IsToldSo_AndClosed(string name)
    {
        using var client = new RawClient(_place.Clients);
        _ = client.Say("GET PROTOCOL_VER").Read(10);
        client.Say($"INFORM REGION_NAME_LEN: 0x{name.Length:x8}").Say(name).Read(10).ShouldBe("0xffffffff");
        client.ShouldBeClosed();
    }

    [Fact]
    public async Task Ask_NameThatCouldBeTheBeginningOfTheWords_IsToldAtTheDeadline()
    {
        await RestartAsync(_place.Options with { StepTimeout = TimeSpan.FromMilliseconds(200) });
        using var client = new RawClient(_place.Clients);
        _ = client.Say("GET PROTOCOL_VER").Read(10);
        client.Say("INFORM REGION_NAME_LEN: 0x00000003").Say("GET").Read(10).ShouldBe("0xffffffff");
        client.ShouldBeClosed();
    }

    [Fact]
    public async Task Dialect_OfTheDescription_SaysTheVersionInWords()
    {
        await RestartAsync(_place.Options with { Dialect = ClientDialect.Words });
        using var client = new RawClient(_place.Clients);
        client.Say("GET PROTOCOL_VER").Read(14).ShouldBe("PROTOCOL_VER 0");
        using RegionClient ours = _place.Open();
        ours.Name.ShouldBe("input");
    }

    [Theory]
    [InlineData("GET PROTOCOL_VEX")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x0000000g")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000000")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0xffffffff")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x80000005input")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005inputX")]
    [InlineData("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005GET REGIOX: input")]
    public void Nonsense_IsDropped_WithoutDescriptors(string said)
    {
        using var client = new RawClient(_place.Clients);
        _ = client.Say(said);
        client.Read(1000).ShouldBeOneOf("", "0x00000000");
        using var other = new RawClient(_place.Clients);
        _ = other.Ask("input");
    }

    [Fact]
    public async Task Stalling_AtEachStep_IsDroppedAtTheDeadline_AndDisturbsNobody()
    {
        await RestartAsync(_place.Options with { StepTimeout = TimeSpan.FromMilliseconds(300) });
        string[] beginnings = ["", "GET", "GET PROTOCOL_VER", "GET PROTOCOL_VERINFORM REGION", "GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005", "GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005inp"];
        RawClient[] stalled = [.. beginnings.Select(said => said.Length == 0 ? new RawClient(_place.Clients) : new RawClient(_place.Clients).Say(said))];
        using (var other = new RawClient(_place.Clients)) _ = other.Ask("hwcomposer");
        foreach (RawClient client in stalled)
        {
            client.Read(1000).ShouldBeOneOf("", "0x00000000");
            client.Dispose();
        }
        (await _server.SnapshotAsync()).Counters.ShouldBe(new() { Served = 1, Dropped = 6 });
    }

    [Fact]
    public void HangingUp_AtEachByte_LeavesNothingBehind()
    {
        const string All = "GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000005input";
        for (int said = 1; said <= All.Length; said++) new RawClient(_place.Clients).Say(All[..said]).Dispose();
        RegionCounters counters = new();
        Watchdog.Until(() => (counters = _server.SnapshotAsync().GetAwaiter().GetResult().Counters) is { Talking: 0 } && counters.Served + counters.Dropped >= All.Length, "all have gone");
        (counters.Served + counters.Dropped).ShouldBe(All.Length);
    }

    [Fact]
    public async Task TwoHundredAtOnce_AllAreServed()
    {
        RawClient[] clients = [.. Enumerable.Range(0, 200).Select(_ => new RawClient(_place.Clients).Say("GET PROTOCOL_VER"))];
        foreach (RawClient client in clients) client.Read(10).ShouldBe("0x00000000");   // all of them are in the middle
        foreach (RawClient client in clients) _ = client.Say("INFORM REGION_NAME_LEN: 0x00000005").Say("input");
        foreach (RawClient client in clients)
        {
            client.Read(20).ShouldBe("0x00011000" + "0x00015000");
            for (int fd = 0; fd < 3; fd++) _ = client.ReadFd();
            client.Dispose();
        }
        (await _server.SnapshotAsync()).Counters.Served.ShouldBe(200);
    }

    [Fact]
    public async Task MoreThanTheLimit_WaitTheirTurn()
    {
        await RestartAsync(_place.Options with { MaxConversations = 2 });
        RawClient[] first = [new(_place.Clients), new(_place.Clients)];
        using RawClient third = new RawClient(_place.Clients).Say("GET PROTOCOL_VER");
        foreach (RawClient client in first)
        {
            _ = client.Ask("input");
            client.Dispose();
        }
        third.Read(10).ShouldBe("0x00000000");
    }

    [Fact]
    public async Task Policy_FirstRuleThatFits_Counts()
    {
        uint me = LinuxProcess.EffectiveUserId;
        await RestartAsync(_place.Options with { Access = [new() { Region = "input", Users = [me], Rights = RegionRights.Write }, new() { Users = [me] }, new() { Users = [me + 1], Rights = RegionRights.Write }] });
        using RegionClient input = _place.Open(), other = _place.Open("fb_manager");
        (input.IsReadOnly, other.IsReadOnly).ShouldBe((false, true));
    }

    [Fact]
    public async Task Policy_NobodyNamed_IsToldThatThereIsNoSuchRegion()
    {
        await RestartAsync(_place.Options with { Access = [new() { Users = [LinuxProcess.EffectiveUserId + 1] }] });
        Should.Throw<RegionException>(() => _place.Open()).Message.ShouldContain("has no region 'input' for this user");
        (await _server.SnapshotAsync()).Counters.NotFound.ShouldBe(1);
    }

    // The other user holds the very descriptors that the server gives to readers, and tries everything that could make them writable.
    [Theory]
    [InlineData(Ivshmem.MemoryBacking.Memfd)]
    [InlineData(Ivshmem.MemoryBacking.Posix)]
    public async Task Reader_CannotWrite_NeitherMappedNorOpenedAgain(Ivshmem.MemoryBacking backing)
    {
        await RestartAsync(_place.Options with { Access = [new() { Users = [LinuxProcess.EffectiveUserId] }], Doorbell = _place.Options.Doorbell with { Backing = backing, MemoryName = $"tombolo-reader-{Environment.ProcessId}" } });
        using var client = new RawClient(_place.Clients);
        (_, _, _, SafeFd toGuest, SafeFd memory) = client.Ask("input");
        EventFd.Signal(toGuest).ShouldBeTrue();
        EventFd.TryRead(_server.ToGuest[1], out _).ShouldBeFalse("a reader's ring goes nowhere");
        Should.Throw<LinuxException>(() => Window.Map(memory)).Errno.ShouldBe(Errno.AccessDenied);
        Pipe.Write(memory, "x"u8).IsMoved.ShouldBeFalse();
        Window.Map(memory, writable: false).Dispose();
        uint ran = OtherUser.Run(() =>
        {
            Should.Throw<LinuxException>(() => Window.Map(memory)).Errno.ShouldBe(Errno.AccessDenied);
            Exception? opened = Record.Exception(() => File.OpenHandle($"/proc/self/fd/{memory.Number}", FileMode.Open, FileAccess.ReadWrite).Dispose());
            if (LinuxProcess.EffectiveUserId != _serverUser) _ = opened.ShouldBeOfType<UnauthorizedAccessException>();
        });
        if (_serverUser == 0) ran.ShouldBe(OtherUser.Id);   // else there is no other user to try it with
    }

    private static readonly uint _serverUser = LinuxProcess.EffectiveUserId;
}
