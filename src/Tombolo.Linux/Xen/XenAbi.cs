// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>Numbers and places of the calls of Linux's Xen devices. Source: uapi/xen/gntalloc.h, gntdev.h, evtchn.h; a test compares them with a C compiler's view of those headers.</summary>
internal static class XenAbi
{
    // gntalloc: u16 domid | u16 flags | u32 count | u64 index (out) | u32 refs[count] (out)
    public const uint AllocateGrants = 0x0018_4705, FreeGrants = 0x0010_4706, AllocatedUnmapNotify = 0x0010_4707;
    public const int AllocateDomain = 0, AllocateFlags = 2, AllocateCount = 4, AllocateIndex = 8, AllocateReferences = 16;
    public const ushort Writable = 1;

    // gntalloc and gntdev: u64 index | u32 count | u32 nothing
    public const int RangeIndex = 0, RangeCount = 8, RangeBytes = 16;

    // gntalloc and gntdev: u64 index | u32 action | u32 port
    public const int NotifyIndex = 0, NotifyAction = 8, NotifyPort = 12, NotifyBytes = 16;

    // gntdev: u32 count | u32 nothing | u64 index (out) | { u32 domid | u32 ref }[count]
    public const uint MapGrants = 0x0018_4700, UnmapGrants = 0x0010_4701, MappedUnmapNotify = 0x0010_4707, CopyGrants = 0x0010_4708;
    public const int MapCount = 0, MapIndex = 8, MapReferences = 16, MapReferenceBytes = 8;

    // gntdev: u32 count | u32 nothing | u64 address of segments; a segment: source (8) | destination (8) | u16 length | u16 flags | s16 status (out) | u16 nothing;
    // an end is an address, or u32 ref | u16 offset | u16 domid
    public const int CopyCount = 0, CopySegments = 8, CopyBytes = 16, SegmentSource = 0, SegmentDestination = 8, SegmentLength = 16, SegmentFlags = 18, SegmentStatus = 20, SegmentBytes = 24;
    public const int EndReference = 0, EndOffset = 4, EndDomain = 6;
    public const ushort SourceIsGrant = 1, DestinationIsGrant = 2;   // Xen public/grant_table.h, GNTCOPY_*

    // evtchn: BIND_INTERDOMAIN takes u32 domain | u32 port, the others one u32; BIND_* answer with the own port
    public const uint BindInterdomain = 0x0008_4501, BindUnbound = 0x0004_4502, Unbind = 0x0004_4503, Notify = 0x0004_4504;
}
