<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28" styleCategories="Symbology|Labeling" labelsEnabled="1">
 <renderer-v2 type="singleSymbol" enableorderby="0" forceraster="0" symbollevels="0">
  <symbols>
   <symbol type="marker" name="0" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="color" value="@SITE@,255" />
      <Option type="QString" name="name" value="diamond" />
      <Option type="QString" name="outline_color" value="255,255,255,255" />
      <Option type="QString" name="outline_style" value="solid" />
      <Option type="QString" name="outline_width" value="0.3" />
      <Option type="QString" name="size" value="4" />
      <Option type="QString" name="size_unit" value="MM" />
     </Option>
     <data_defined_properties>
      <Option type="Map">
       <Option type="QString" name="name" value="" />
       <Option type="Map" name="properties">
        <Option type="Map" name="size">
         <Option type="bool" name="active" value="true" />
         <Option type="QString" name="expression" value="coalesce(max(2, sqrt(&quot;households&quot; / maximum(&quot;households&quot;)) * @SITE_MM@), 2)" />
         <Option type="int" name="type" value="3" />
        </Option>
       </Option>
       <Option type="QString" name="type" value="collection" />
      </Option>
     </data_defined_properties>
    </layer>
   </symbol>
  </symbols>
 </renderer-v2>
 <labeling type="simple">
  <settings calloutType="simple">
   <text-style fieldName="name" isExpression="0" fontSize="9" fontSizeUnit="Point" textColor="@INK@,255" fontFamily="Noto Sans">
    <text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,230" />
   </text-style>
   <placement placement="6" predefinedPositionOrder="R,TR,BR,L,TL,BL,T,B" offsetType="1" dist="0.6" distUnits="MM" priority="10" />
  </settings>
 </labeling>
 <layerGeometryType>0</layerGeometryType>
</qgis>
