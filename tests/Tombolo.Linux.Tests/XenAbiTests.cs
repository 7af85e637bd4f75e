// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Linux's headers of the Xen devices are the ABI: a C compiler says where their fields are and what their numbers are.</summary>
public sealed class XenAbiTests
{
    private static readonly Dictionary<string, long> _ours = new()
    {
        ["IOCTL_GNTALLOC_ALLOC_GREF"] = XenAbi.AllocateGrants,
        ["IOCTL_GNTALLOC_DEALLOC_GREF"] = XenAbi.FreeGrants,
        ["IOCTL_GNTALLOC_SET_UNMAP_NOTIFY"] = XenAbi.AllocatedUnmapNotify,
        ["GNTALLOC_FLAG_WRITABLE"] = XenAbi.Writable,
        ["ioctl_gntalloc_alloc_gref.domid"] = XenAbi.AllocateDomain,
        ["ioctl_gntalloc_alloc_gref.flags"] = XenAbi.AllocateFlags,
        ["ioctl_gntalloc_alloc_gref.count"] = XenAbi.AllocateCount,
        ["ioctl_gntalloc_alloc_gref.index"] = XenAbi.AllocateIndex,
        ["ioctl_gntalloc_alloc_gref.gref_ids"] = XenAbi.AllocateReferences,
        ["ioctl_gntalloc_dealloc_gref.index"] = XenAbi.RangeIndex,
        ["ioctl_gntalloc_dealloc_gref.count"] = XenAbi.RangeCount,
        ["ioctl_gntalloc_unmap_notify.index"] = XenAbi.NotifyIndex,
        ["ioctl_gntalloc_unmap_notify.action"] = XenAbi.NotifyAction,
        ["ioctl_gntalloc_unmap_notify.event_channel_port"] = XenAbi.NotifyPort,
        ["IOCTL_GNTDEV_MAP_GRANT_REF"] = XenAbi.MapGrants,
        ["IOCTL_GNTDEV_UNMAP_GRANT_REF"] = XenAbi.UnmapGrants,
        ["IOCTL_GNTDEV_SET_UNMAP_NOTIFY"] = XenAbi.MappedUnmapNotify,
        ["IOCTL_GNTDEV_GRANT_COPY"] = XenAbi.CopyGrants,
        ["ioctl_gntdev_grant_ref"] = XenAbi.MapReferenceBytes,
        ["ioctl_gntdev_unmap_grant_ref"] = XenAbi.RangeBytes,
        ["ioctl_gntdev_unmap_notify"] = XenAbi.NotifyBytes,
        ["ioctl_gntdev_grant_copy"] = XenAbi.CopyBytes,
        ["gntdev_grant_copy_segment"] = XenAbi.SegmentBytes,
        ["ioctl_gntdev_map_grant_ref.count"] = XenAbi.MapCount,
        ["ioctl_gntdev_map_grant_ref.index"] = XenAbi.MapIndex,
        ["ioctl_gntdev_map_grant_ref.refs"] = XenAbi.MapReferences,
        ["ioctl_gntdev_unmap_grant_ref.index"] = XenAbi.RangeIndex,
        ["ioctl_gntdev_unmap_grant_ref.count"] = XenAbi.RangeCount,
        ["ioctl_gntdev_unmap_notify.index"] = XenAbi.NotifyIndex,
        ["ioctl_gntdev_unmap_notify.action"] = XenAbi.NotifyAction,
        ["ioctl_gntdev_unmap_notify.event_channel_port"] = XenAbi.NotifyPort,
        ["ioctl_gntdev_grant_copy.count"] = XenAbi.CopyCount,
        ["ioctl_gntdev_grant_copy.segments"] = XenAbi.CopySegments,
        ["gntdev_grant_copy_segment.source"] = XenAbi.SegmentSource,
        ["gntdev_grant_copy_segment.dest"] = XenAbi.SegmentDestination,
        ["gntdev_grant_copy_segment.len"] = XenAbi.SegmentLength,
        ["gntdev_grant_copy_segment.flags"] = XenAbi.SegmentFlags,
        ["gntdev_grant_copy_segment.status"] = XenAbi.SegmentStatus,
        ["gntdev_grant_copy_segment.source.foreign.ref"] = XenAbi.EndReference,
        ["gntdev_grant_copy_segment.source.foreign.offset"] = XenAbi.EndOffset,
        ["gntdev_grant_copy_segment.source.foreign.domid"] = XenAbi.EndDomain,
        ["IOCTL_EVTCHN_BIND_INTERDOMAIN"] = XenAbi.BindInterdomain,
        ["IOCTL_EVTCHN_BIND_UNBOUND_PORT"] = XenAbi.BindUnbound,
        ["IOCTL_EVTCHN_UNBIND"] = XenAbi.Unbind,
        ["IOCTL_EVTCHN_NOTIFY"] = XenAbi.Notify,
        ["ioctl_evtchn_bind_interdomain.remote_domain"] = 0,
        ["ioctl_evtchn_bind_interdomain.remote_port"] = sizeof(uint),
        ["UNMAP_NOTIFY_CLEAR_BYTE"] = (long)XenUnmapActions.ClearByte,
        ["UNMAP_NOTIFY_SEND_EVENT"] = (long)XenUnmapActions.SendEvent,
    };

    [Fact]
    public void Abi_AgainstTheKernelsHeaders_IsTheSame() =>
        CompiledHeader.Read("tests/Tombolo.Linux.Tests/xen_probe.c").ShouldBe(_ours, ignoreOrder: true);

    [Theory]
    [InlineData(XenGrantAllocator.Path)]
    [InlineData(XenGrantDevice.Path)]
    [InlineData(XenEventDevice.Path)]
    public void Open_OutsideXen_SaysWhichNode(string path)
    {
        if (File.Exists(path)) return;   // this machine is a domain: the system tests say more
        Func<SafeFd> open = path switch { XenGrantAllocator.Path => XenGrantAllocator.Open, XenGrantDevice.Path => XenGrantDevice.Open, _ => XenEventDevice.Open };
        Should.Throw<LinuxException>(() => open()).Message.ShouldContain(path);
    }
}
