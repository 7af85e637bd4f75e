// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Regions.Tests.Client;

/// <summary>The library against servers that are not ours: vSoC's, broken ones, and ones that are killed in the middle.</summary>
public sealed class ForeignServerTests : IDisposable
{
    private readonly Place _place = new();
    private readonly string _name = $"foreign-{Guid.NewGuid():N}";   // which no other test's memory has
    private readonly SafeFd _memory, _fromGuest = EventFd.Create(), _toGuest = EventFd.Create();
    private readonly Window _window;

    public ForeignServerTests()
    {
        _memory = Memfd.Create(_name, Place.Phone.WindowBytes);
        _window = Window.Map(_memory);
        Place.Phone.Write(_window);
    }

    public void Dispose()
    {
        _window.Dispose();
        foreach (SafeFd fd in (SafeFd[])[_memory, _fromGuest, _toGuest]) fd.Dispose();
        _place.Dispose();
    }

    private RegionClientOptions Impatient => _place.ClientOptions with { Timeout = TimeSpan.FromMilliseconds(200) };

    private static ServerTalk Asked(ServerTalk talk, string region) =>
        talk.Hears("GET PROTOCOL_VER").Says("0x00000000").Hears($"INFORM REGION_NAME_LEN: 0x{region.Length:x8}").Hears(region);

    private Action<ServerTalk> Serves(string region) => talk =>
    {
        RegionDescriptor place = Place.Phone.Regions[Place.Phone.IndexOf(region)];
        Asked(talk, region).Says($"0x{place.BeginOffset:x8}").Says($"0x{place.EndOffset:x8}").Says("\0", _fromGuest).Says("\0", _toGuest).Says("\0", _memory).HearsNothingMore();
    };

    [Fact]
    public void Open_SaysExactlyWhatExistingServersExpect()
    {
        using var server = new ServerStandIn(_place.Clients, Serves("input"));
        using RegionClient client = _place.Open();
        client.View(client.DataOffset, 4).WriteRelease32(0, 5);
        _window.View(Place.Phone.Regions[1].BeginOffset + client.DataOffset, 4).ReadAcquire32(0).ShouldBe(5u);
    }

    [Fact]
    public void Open_ServerKilledInTheMiddle_ItsSuccessorIsAsked()
    {
        using var server = new ServerStandIn(_place.Clients, talk => talk.Hears("GET PROTOCOL_VER"), talk => Asked(talk, "input").Says("0x00011000"), Serves("input"));
        using RegionClient client = _place.Open();
        (client.Name, server.Begun).ShouldBe(("input", 3));
    }

    [Fact]
    public void Open_ServerThatAlwaysHangsUp_IsToldOf_AndNotAskedForEver()
    {
        Action<ServerTalk> hangsUp = talk => talk.Hears("GET PROTOCOL_VER");
        using var server = new ServerStandIn(_place.Clients, hangsUp, hangsUp, hangsUp, hangsUp);
        Should.Throw<RegionException>(() => _place.Open()).Message.ShouldBe($"The server at '{_place.Clients}' hung up before its version.");
        server.Begun.ShouldBe(3);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "v0x00000001", "speaks version '0x00000001', and this client version 0" },
        { "vPROTOCOL_VER 1", "speaks version 'PROTOCOL_VER 1', and this client version 0" },
        { "v\u0001\u0002\u0003\u0004567890", "speaks version '????567890', and this client version 0" },
        { "v", "did not answer within 0.2 s" },
        { "a", "did not answer within 0.2 s" },
        { "a0x0000zz00", "said '0x0000zz00' for the region's begin" },
        { "a0x000110000x0001", "did not answer within 0.2 s" },
        { "a0xffffffff", "has no region 'input' for this user" },
        { "a0x000110000x00015000___", "sent a byte without its descriptor" },
        { "a0x000110000x00015000bb", "did not answer within 0.2 s" },
        { "a0x000110000x00015000mbm", "gave doorbells that are no eventfds" },
        { "a0x000110000x00015000bbb", "gave a window that is no memory" },
        { "a0x000110000x00015000bbe", "gave a window that is no memory" },
        { "a0x000110000x00015000bbz", "cannot be opened: The window holds no layout of version 2" },
        { "a0x000110000x00014000bbm", "cannot be opened: the server places it at 0x11000 to 0x14000, and the window's table does not" },
    };

    /// <summary>What the server says at first ('v') or when it was asked ('a'); of the last letters each stands for a byte with a descriptor, or without.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void Open_ServerThatBreaksTheProtocol_IsToldOf_AndNothingStaysOpen(string says, string why)
    {
        int open = OpenWindows();
        using SafeFd empty = Memfd.Create("empty", 4096), zeros = Memfd.Create("zeros", 8192);
        SharedFile.Resize(empty, 0, "empty");
        bool isAsked = says[0] == 'a';
        int words = isAsked ? Math.Min(21, says.Length) : says.Length;
        using var server = new ServerStandIn(_place.Clients, talk =>
        {
            if (isAsked) Asked(talk, "input");
            else talk.Hears("GET PROTOCOL_VER");
            if (words > 1) talk.Says(says[1..words]);
            foreach (char letter in says[words..]) talk.Says("\0", letter switch { 'b' => _toGuest, 'm' => _memory, 'e' => empty, 'z' => zeros, _ => null });
            talk.HearsNothingMore();
        });
        Should.Throw<RegionException>(() => RegionClient.Open("input", Impatient)).Message.ShouldContain(why);
        OpenWindows().ShouldBe(open);
    }

    private int OpenWindows() => FdCount.Open().Count(descriptor => descriptor.Contains(_name, StringComparison.Ordinal));

    // vSoC's server does not know the words for owner words, and hangs up: the library claims by itself.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Permission_ServerWithoutOwnerWords_IsClaimedByTheLibrary_AndGivenBackEvenAfterTheManagerWent(bool isManagerClosedFirst)
    {
        Action<ServerTalk> hangsUp = talk => talk.Hears("GET PROTOCOL_VER").Says("0x00000000").Hears("OWNING REGION_NAME_LEN: 0x0000000a");
        using var server = new ServerStandIn(_place.Clients, Serves("fb_manager"), Serves("hwcomposer"), hangsUp, Serves("hwcomposer"), hangsUp);
        RegionClient manager = _place.Open("fb_manager"), managed = _place.Open("hwcomposer");
        SharedView owner = _window.View(manager.Descriptor.BeginOffset + manager.DataOffset, 4);
        RegionPermission permission = manager.CreatePermission(managed, 4096, 8192, manager.DataOffset, 7);
        owner.ReadAcquire32(0).ShouldBe(7u);
        using (RegionClient second = _place.Open("hwcomposer"))
            Should.Throw<RegionPermissionException>(() => manager.CreatePermission(second, 4096, 8192, manager.DataOffset, 8)).Fault.ShouldBe(PermissionFault.Busy);
        if (isManagerClosedFirst) manager.Dispose();
        managed.View(4096, 4).WriteRelease32(0, 1);
        managed.Dispose();
        owner.ReadAcquire32(0).ShouldBe(0u);
        permission.Dispose();
        manager.Dispose();
    }

    [Fact]
    public void Permission_WhileTheServerMakesOneWait_TheRegionIsUsedAllTheSame()
    {
        using var isUsed = new ManualResetEventSlim();
        using var isAsked = new ManualResetEventSlim();
        using var server = new ServerStandIn(_place.Clients, Serves("fb_manager"), Serves("hwcomposer"), talk =>
        {
            talk.Hears("GET PROTOCOL_VER").Says("0x00000000").Hears("OWNING REGION_NAME_LEN: 0x0000000a").Hears("fb_manager0x000000880x00000007");
            isAsked.Set();
            isUsed.Wait(Watchdog.Limit).ShouldBeTrue("the claim kept others from the region");
            talk.Says("0x00000001");
        });
        using RegionClient manager = _place.Open("fb_manager"), managed = RegionClient.Open("hwcomposer", _place.ClientOptions with { Unscoped = true });
        using var claiming = new Watched(() => Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, 4096, 8192, 136, 7)).Fault.ShouldBe(PermissionFault.Busy));
        isAsked.Wait(Watchdog.Limit).ShouldBeTrue();
        managed.Signal(managed.DataOffset);
        managed.Wait(managed.DataOffset, 1, TimeSpan.Zero).ShouldBeTrue();
        isUsed.Set();
    }

    [Fact]
    public void Permission_ManagerOfAnotherWindow_ManagesNothingHere()
    {
        using SafeFd other = Memfd.Create("other", Place.Phone.WindowBytes);
        using (Window window = Window.Map(other)) Place.Phone.Write(window);
        using var here = new ServerStandIn(_place.Clients, Serves("fb_manager"));
        using RegionClient manager = _place.Open("fb_manager");
        using var there = new ServerStandIn(_place.Clients + "2", talk => Asked(talk, "hwcomposer").Says("0x000010000x00011000").Says("\0", _fromGuest).Says("\0", _toGuest).Says("\0", other).HearsNothingMore());
        using RegionClient managed = RegionClient.Open("hwcomposer", _place.ClientOptions with { Socket = _place.Clients + "2" });
        Should.Throw<RegionPermissionException>(() => manager.CreatePermission(managed, 4096, 8192, 136, 7)).Fault.ShouldBe(PermissionFault.NotManaged);
    }

    /// <summary>A thread whose failure fails the test.</summary>
    private sealed class Watched : IDisposable
    {
        private readonly Thread _thread;
        private Exception? _fault;

        public Watched(Action act)
        {
            _thread = new(() =>
            {
                try { act(); }
                catch (Exception exception) { _fault = exception; }
            });
            _thread.Start();
        }

        public void Dispose()
        {
            _thread.Join();
            _fault.ShouldBeNull();
        }
    }
}
