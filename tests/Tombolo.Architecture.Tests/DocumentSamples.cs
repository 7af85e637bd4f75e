// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Channels;
using Tombolo.Grants;
using Tombolo.Ivshmem;
using Tombolo.Regions;
using Tombolo.Store;

namespace Tombolo.Architecture.Tests;

/// <summary>The C# of the pages, word for word, so that the compiler reads it too. <see cref="DocumentSamplesTests"/> finds a page that says something else.</summary>
internal static class DocumentSamples
{
    public static void ChannelBetweenProcessesOneSide()
    {
        using var ticks = Channel.Create("/run/x/ticks");      // one process
        ticks.Write("tick"u8);
    }

    public static void ChannelBetweenProcessesOtherSide()
    {
        using var ticks = Channel.Open("/run/x/ticks");        // another
        foreach (byte[] tick in ticks.ReadAll()) Console.WriteLine(tick.Length);
    }

    public static void Guest()
    {
        using GuestParticipant self = GuestParticipant.Open();   // on a host: IvshmemClient.Connect(…)
        self.Window.View(0, 64).WriteRelease32(0, 42);
        self.Ring(new PeerId(3), vector: 0);
    }

    public static void ChannelsOfAGuest(GuestParticipant self)
    {
        using var party = new FabricParty(new IvshmemFabric(self));
        using ChannelArea area = ChannelArea.Open(self.Window, party);
        area.Create("ticks");
        using RingProducer ticks = area.OpenProducer("ticks");
        ticks.Write("tick"u8);
    }

    public static async Task GrantsOfAGuest()
    {
        await using StoreClient store = await StoreClient.ConnectAsync(StoreClientOptions.DefaultSocketPath);   // the host's store
        using IDomain self = DeviceDomain.Open();                      // on the host: WindowDomain.Connect("…/pages.sock")
        await using GrantAccept accept = await GrantAccept.StartAsync(store, self);
        await foreach (byte[] message in accept.ReceiveAllAsync()) Console.WriteLine(Encoding.UTF8.GetString(message));
    }

    public static async Task GrantsOfAXenDomain(DomainId peer)
    {
        await using StoreClient store = await StoreClient.ConnectAsync(StoreClientOptions.DevicePath);
        using XenDomain me = await XenDomain.OpenAsync(store);
        using GrantedPages pages = me.Grants.Grant(peer, pages: 4);
        using EventChannel port = me.Events.AllocateUnbound(peer);
    }

    public static void RegionOfAGuest()
    {
        using GuestRegion screen = GuestRegion.Open("/dev/screen");   // on the host: RegionClient.Open("screen", …)
        uint word = screen.DataOffset;
        screen.View(word, 4).WriteRelease32(0, 1);
        screen.Signal(word);                                          // whoever waits for the word, on the host and here, wakes
        screen.Wait(word, 1, TimeSpan.FromSeconds(5));                // until somebody changes and signals it
    }
}
